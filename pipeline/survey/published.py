"""The published tables of one survey, a batch at a time: memory stays bounded whatever the number of photographs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

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
