"""What finished chunks say, read back."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from models.errors import DataError
from pipeline.survey.chunk import OUTCOMES


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
