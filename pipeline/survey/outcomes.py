"""What finished chunks say, read back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from models.errors import DataError
from pipeline.survey.chunk import OUTCOMES
from pipeline.survey.listing.worklist import chunks_a_part
from pipeline.survey.plan import Survey


def outcomes_by_part(survey: Survey, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """What a survey's chunks say, as many chunks at a time as go into one part of a table.

    Args:
        survey: whose chunks are all done.
        columns: which to read, ``failure_kind`` comes with them; None: all.

    Raises:
        DataError: a chunk is missing or damaged.
    """
    together = chunks_a_part(survey.plan.settings.chunk)
    for first in range(0, survey.chunks, together):
        numbers = range(first, min(first + together, survey.chunks))
        paths = [survey.chunk_path(number) for number in numbers]
        yield read_outcomes(paths, None if columns is None else [*columns, "failure_kind"])


def read_outcomes(paths: list[Path], columns: list[str] | None = None) -> pa.Table:
    """What the chunks in these files say, one row a photograph.

    Raises:
        DataError: a file is missing or damaged.
    """
    schema = OUTCOMES if columns is None else pa.schema([OUTCOMES.field(name) for name in columns])
    tables = []
    for path in paths:
        try:
            with pq.ParquetFile(path) as file:
                tables.append(file.read(columns).select(schema.names).cast(schema))
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            raise DataError(
                f"{path} cannot be read: {error}",
                "Remove that file, then run the same command: the chunk is done again.",
            ) from error
    return pa.concat_tables(tables)
