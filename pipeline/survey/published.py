"""The published tables of one survey, a batch at a time: memory stays bounded whatever the number of photographs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.arrays import Reals
from pipeline.survey.layout import part_files
from pipeline.survey.plan import Survey

BATCH_ROWS = 8192


def read_batches(survey: Survey, table: str, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Rows of a table in the order of the work list; nothing where it has none.

    Args:
        survey: whose tables are published.
        table: ``images``, ``detections``, ``failures``, ``cracks`` or ``sections``.
        columns: which to read; None: all.
    """
    for path in part_files(survey.out, table, survey.plan.run_id):
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(BATCH_ROWS, columns=None if columns is None else list(columns))


def rows_by_name(
    survey: Survey, table: str, columns: Sequence[str], names: Iterable[str]
) -> dict[str, list[dict[str, Any]]]:
    """Rows of a few photographs, by their names, in one pass over a table; ``name`` is one of its `columns`."""
    wanted = pa.array(list(names), pa.string())
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    if len(wanted):
        for batch in read_batches(survey, table, columns):
            for row in batch.filter(pc.is_in(batch["name"], value_set=wanted)).to_pylist():
                found[row["name"]].append(row)
    return dict(found)


def reals(batch: pa.RecordBatch, column: str) -> Reals:
    """A column of numbers, ``(rows,)``; nan where it is null."""
    return np.asarray(batch[column].to_numpy(zero_copy_only=False), np.float64)
