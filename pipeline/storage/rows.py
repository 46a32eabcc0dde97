"""Rows made to fit the columns of a table of the record."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from models.errors import DataError
from pipeline.storage.schemas import SCHEMA_VERSION, SCHEMAS

Rows = pd.DataFrame | Iterable[Mapping[str, Any]]


def fit_rows(table: str, run_id: str, rows: Rows, path: Path) -> pa.Table:
    """Rows as a table of exactly the schema, version added; `path` is where they would go, for the message.

    Raises:
        DataError: a column is unknown, missing or of the wrong type, or a row belongs to another run.
    """
    columns = _columns(rows)
    count = len(next(iter(columns.values()), []))
    refuse = _Refusal(table, path)
    if any(value != run_id for value in columns.pop("run_id", [])):
        raise refuse(f"rows of another run than {run_id}")
    columns["schema_version"] = [SCHEMA_VERSION] * count
    schema = SCHEMAS[table]
    if unknown := sorted(set(columns) - set(schema.names)):
        raise refuse(f"no such column: {', '.join(map(repr, unknown))}")
    arrays = []
    for field in schema:
        values = columns.get(field.name, [None] * count)
        try:
            array = pa.array(_readied(values, field.type), type=field.type, from_pandas=True)
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            raise refuse(f"column {field.name!r} holds {field.type}: {error}") from error
        if array.null_count and not field.nullable:
            raise refuse(f"column {field.name!r} must be given in every row")
        arrays.append(array)
    return pa.Table.from_arrays(arrays, schema=schema)


def _columns(rows: pd.DataFrame | Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    if isinstance(rows, pd.DataFrame):
        return {str(name): column.tolist() for name, column in rows.items()}
    listed = list(rows)
    names = dict.fromkeys(name for row in listed for name in row)
    # A row may be empty where every column is optional; the count must survive that.
    return {name: [row.get(name) for row in listed] for name in names} or {"schema_version": [None] * len(listed)}


def _readied(values: list[Any], kind: pa.DataType) -> list[Any]:
    if pa.types.is_timestamp(kind):
        return [None if pd.isna(value) else _moment(value) for value in values]
    if pa.types.is_string(kind):
        return [_text(value) for value in values]
    if pa.types.is_integer(kind):
        return [_whole(value) for value in values]
    return values


def _whole(value: Any) -> Any:
    # pyarrow would cut the fraction off without a word.
    if isinstance(value, float | np.floating) and not np.isnan(value) and not value.is_integer():
        raise ValueError(f"{value} is no whole number")
    return value


def _moment(value: datetime | str) -> datetime:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if moment.tzinfo is None:
        raise ValueError(f"{moment} carries no time zone")
    return moment.astimezone(UTC)


def _text(value: Any) -> Any:
    if isinstance(value, Mapping):
        return json.dumps(value, default=str, sort_keys=True)
    return str(value) if isinstance(value, Path) else value


class _Refusal:
    """Makes the error of rows that do not fit their table."""

    def __init__(self, table: str, path: Path) -> None:
        self.table, self.path = table, path

    def __call__(self, problem: str) -> DataError:
        return DataError(
            f"Rows for table {self.table!r} do not fit, {problem}. {self.path} was not written.",
            "Give the columns that pipeline/storage/schemas.py lists for this table, with those types.",
        )
