"""The record: every Parquet table, written whole or not at all, read as one data set.

``<home>/records/<table>/run_id=<id>/part-*.parquet``. Each part is written under a temporary name and renamed, and a
run has a folder of its own, so that a reader never sees half a file and two runs never touch one file.
"""

from __future__ import annotations

import json
import math
import os
import re
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from models.errors import DataError, UsageError
from pipeline.storage.atomic import write_whole
from pipeline.storage.rows import fit_rows
from pipeline.storage.schemas import HEADLINE, JSON_COLUMNS, SCHEMAS

PAPER: dict[str, Any] = dict.fromkeys(HEADLINE) | {
    "run_id": "paper",
    "source": "Carr, Jenkins, Iglesias, Buggy and Morison 2018",
    "preset": "paper",
    "dataset": "crackforest",
    "split": "paper",
    "device": "Titan Xp",
    "images": 18,
    "precision": 0.9892,
    "segmentation_error": 0.0122,
    "data_reduction": 0.7212,
    "score_threshold": 0.5,
    "detect_ms": 53.1,
}
"""The figures the paper tells, under the names of `runs`; None for what it does not tell. Its training and validation
parts hold 80 and 20 pictures, its test part 18; it has no second stage."""


MOVE_AWAY = "Move that part away: it is damaged, or something else wrote it. The other runs stay readable."
"""The remedy where a part cannot be read."""


def paper_on(dataset: str | None) -> dict[str, Any]:
    """The paper's figures where they say something: beside another data set than its own none is known."""
    return dict(PAPER) if dataset == PAPER["dataset"] else dict.fromkeys(PAPER)


def new_run_id() -> str:
    """Name for a run that sorts by time (UTC): ``YYYYmmddTHHMMSS-`` and six random hexadecimal digits."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


def write_part(
    table: str, run_id: str, rows: pd.DataFrame | Iterable[Mapping[str, Any]], home: Path, part: int = 0
) -> Path:
    """Write one part of a run's table; an existing part of that number is replaced.

    Args:
        table: key of `SCHEMAS`.
        run_id: of `new_run_id`.
        rows: by column name. Columns left out are null, and so is nan; dates carry their zone, as datetime or ISO
            text; `settings` and `versions` may be dicts, paths may be `Path`. A `run_id` among them must be this one.
        home: folder that holds ``records/``.
        part: number of the part within the run, from 0.

    Returns:
        Path of the part.

    Raises:
        DataError: a column is unknown, missing or of the wrong type, or the file cannot be written; nothing is left.
    """
    folder = _folder(table, home) / f"run_id={_checked(run_id)}"
    path = folder / f"part-{part:05d}.parquet"
    arrow = fit_rows(table, run_id, rows, path)
    try:
        return write_whole(path, lambda temporary: write_synced(arrow, temporary))
    except BaseException:
        with suppress(OSError):  # parts of this run that were written before stay
            folder.rmdir()
        raise


def write_synced(table: pa.Table, path: Path) -> None:
    """Write a Parquet file that lies on the disk once this returns: a power cut after it is renamed costs nothing."""
    with path.open("wb") as sink:
        pq.write_table(table, sink)
        sink.flush()
        os.fsync(sink.fileno())


def read_table(table: str, home: Path, run_id: str | None = None) -> pd.DataFrame:
    """Read a table, of all runs or of one.

    Returns:
        `run_id`, then the columns of `SCHEMAS`, ordered by run and part; no rows where nothing was recorded. Columns
        that an older version did not write are null. Whole numbers and booleans are pandas' nullable types.

    Raises:
        DataError: a part cannot be read; names it.
    """
    base = _folder(table, home)
    pattern = "run_id=*" if run_id is None else f"run_id={_checked(run_id)}"
    parts = sorted(base.glob(f"{pattern}/part-*.parquet"))
    by_run = pa.schema([pa.field("run_id", pa.string())])
    columns = pa.schema([*by_run, *(field.with_nullable(True) for field in SCHEMAS[table])])
    if parts:
        try:
            arrow = ds.dataset(
                [str(path) for path in parts],
                schema=columns,
                format="parquet",
                partitioning=ds.partitioning(by_run, flavor="hive"),
                partition_base_dir=str(base),
            ).to_table()
        except (OSError, pa.ArrowException) as error:
            raise DataError(
                f"Table {table!r} cannot be read: {unreadable(parts) or error}",
                MOVE_AWAY,
            ) from error
    else:
        arrow = columns.empty_table()
    nullable = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    frame: pd.DataFrame = arrow.to_pandas(types_mapper=nullable.get)
    return frame


def runs_json(home: Path) -> dict[str, Any]:
    """The paper's figures and every run, oldest first, safe for JSON: times as ISO text, what is missing as None."""
    runs = read_table("runs", home).sort_values(["started_at", "run_id"], kind="stable")
    return {"paper": dict(PAPER), "runs": [_plain(row) for row in runs.to_dict("records")]}


def _folder(table: str, home: Path) -> Path:
    if table not in SCHEMAS:
        raise DataError(f"The record has no table {table!r}.", f"Choose one of: {', '.join(SCHEMAS)}.")
    return Path(home) / "records" / table


def _checked(run_id: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", run_id):
        raise UsageError(f"{run_id!r} cannot name a run.", "`crack-survey runs` lists the runs there are.")
    return run_id


def unreadable(parts: Iterable[Path]) -> str | None:
    """The first part that cannot be read, and why; None where each can."""
    for path in parts:
        try:
            pq.read_table(path, partitioning=None)
        except (OSError, pa.ArrowException) as error:
            return f"{path}: {error}"
    return None


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for name, value in row.items():
        if pd.isna(value):
            plain[name] = None
        elif isinstance(value, datetime):
            plain[name] = value.isoformat()
        elif name in JSON_COLUMNS:
            plain[name] = _from_json(value)
        else:
            plain[name] = value.item() if hasattr(value, "item") else value
        if isinstance(plain[name], float) and not math.isfinite(plain[name]):
            plain[name] = None
    return plain


def _from_json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
