"""Manifest (CSV or Parquet) → photographs, with what it tells of time and place. A bad line is a failure of its own."""

from __future__ import annotations

import csv
import io
import itertools
import math
import posixpath
from array import array
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from hashlib import blake2b
from typing import Any, BinaryIO

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from models.errors import DataError
from pipeline.survey.listing.photographs import Failure, Photograph, readable
from pipeline.survey.listing.stores import Store, is_address

SUFFIXES = (".csv", ".parquet")
COLUMNS = {
    "path": "path",
    "time": "taken_at",
    "latitude": "latitude_deg",
    "longitude": "longitude_deg",
    "chainage": "chainage_m",
    "gsd_mm_per_px": "gsd_mm_per_px",
} | {name: name for name in ("taken_at", "latitude_deg", "longitude_deg", "chainage_m")}
"""Column of a manifest → field of `Photograph`; others are passed over. Upper and lower case are the same."""

LIMITS = {"latitude_deg": (-90.0, 90.0), "longitude_deg": (-180.0, 180.0), "gsd_mm_per_px": (0.001, 1000.0)}

Line = Mapping[str, Any]


class _BadLineError(Exception):
    """What is wrong with one line."""


def read_manifest(address: str, root: str, store: Store, allow_outside: bool) -> Iterator[Photograph]:
    """Photographs in the manifest's order; of lines that name one file again, the first counts.

    Args:
        address: of the manifest, ``.csv`` (UTF-8; comma, semicolon or tab) or ``.parquet``.
        root: that relative paths start from, absolute or an address.
        store: of that root.
        allow_outside: paths may leave the root.

    Raises:
        DataError: it cannot be read, holds no line, or has no column ``path``.
    """
    # Twice through the file instead of all names in memory: eight bytes a line find those that may be doubled.
    hashes = array("Q", (_hash(_name(line, root)) for _, line in _lines(address)))
    if not hashes:
        raise DataError(f"{address} lists no photograph.", "Give a manifest with a line for each.")
    values, counts = np.unique(np.frombuffer(hashes, np.uint64), return_counts=True)
    doubled = set(values[counts > 1].tolist())
    first: dict[str, int] = {}
    for number, line in _lines(address):
        photograph = _photograph(line, number, root, store, allow_outside)
        if photograph.failure is None and _hash(photograph.name) in doubled:
            earlier = first.setdefault(photograph.name, number)
            if earlier != number:
                told = f"Line {number} of the manifest names it again, after line {earlier}. Remove one of them."
                photograph = photograph._replace(failure=Failure("list", "duplicate", told))
        yield photograph


def _photograph(line: Line, number: int, root: str, store: Store, allow_outside: bool) -> Photograph:
    name = _name(line, root)
    where = f"Line {number} of the manifest"
    if not name:
        told = f"{where} names no photograph. Fill the column 'path'."
        return Photograph(f"line {number}", failure=Failure("list", "bad line", told))
    shown = readable(name)
    if shown != name:
        told = f"{where} is not UTF-8. Save it as UTF-8, and rename the file if its name is not."
        return Photograph(shown, failure=Failure("list", "name not UTF-8", told))
    if not allow_outside and (name.startswith(("/", "../")) or name == ".." or is_address(name)):
        told = f"{where} leads to {name}, outside the survey's root {root}. Allow it with --allow-outside."
        return Photograph(name, failure=Failure("list", "outside", told))
    try:
        place = _place(line)
    except _BadLineError as error:
        return Photograph(name, failure=Failure("list", "bad line", f"{where}: {error}."))
    return Photograph(name, store.stamp(name), **place)


def _name(line: Line, root: str) -> str:
    """Name relative to the root where the path lies below it; else absolute, or beginning with ``../``."""
    given = line.get("path")
    if given is None or given != given or not str(given).strip():
        return ""
    base = root.rstrip("/") + "/"
    path = str(given).strip() if isinstance(given, str) else str(given)
    if is_address(path) or is_address(root):
        if path.startswith(base):
            path = path.removeprefix(base)
        return path if is_address(path) else posixpath.normpath(path)
    whole = posixpath.normpath(posixpath.join(base, path))
    return whole.removeprefix(base) if whole.startswith(base) else whole


def _place(line: Line) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for column, value in line.items():
        if column == "path" or value is None or value != value or (isinstance(value, str) and not value.strip()):
            continue
        told[column] = _time(value) if column == "taken_at" else _number(column, value)
    if ("latitude_deg" in told) != ("longitude_deg" in told):
        raise _BadLineError("latitude and longitude go together, and one is missing")
    return told


def _number(column: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise _BadLineError(f"{column} is {value!r}, not a number") from None
    low, high = LIMITS.get(column, (-math.inf, math.inf))
    if not math.isfinite(number) or not low <= number <= high:
        raise _BadLineError(f"{column} is {number:g}, not from {low:g} to {high:g}")
    return number


def _time(value: Any) -> datetime:
    """A time without zone is UTC."""
    try:
        if isinstance(value, pd.Timestamp):  # what nanoseconds come as
            value = value.to_pydatetime(warn=False)
        if isinstance(value, date) and not isinstance(value, datetime):
            value = value.isoformat()
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _BadLineError(f"time is {value!r}; write it as 2026-05-31T14:05:09+02:00") from None


def _lines(address: str) -> Iterator[tuple[int, Line]]:
    """Number of the line (a CSV's header is 1) and its known columns by their names in `Photograph`."""
    try:
        with fsspec.open(address, "rb") as file:
            yield from _parquet_lines(file, address) if address.endswith(".parquet") else _csv_lines(file, address)
    except (OSError, pa.ArrowException, csv.Error, ImportError) as error:
        raise DataError(f"The manifest {address} cannot be read: {error}.", "Check that it is whole.") from error


def _parquet_lines(file: BinaryIO, address: str) -> Iterator[tuple[int, Line]]:
    opened = pq.ParquetFile(file)
    known = _known(opened.schema_arrow.names, address)
    rows = (row for batch in opened.iter_batches(4096, columns=list(known)) for row in batch.to_pylist())
    for number, row in enumerate(rows, start=1):
        yield number, {known[name]: value for name, value in row.items()}


def _csv_lines(file: BinaryIO, address: str) -> Iterator[tuple[int, Line]]:
    # Names that are not UTF-8 come through as they would from the folder itself, and are told of there.
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    head = text.readline()
    delimiter = max(",;\t", key=head.count)
    names = next(csv.reader([head], delimiter=delimiter), [])
    known = _known(names, address)
    reader = csv.DictReader(itertools.chain(text), fieldnames=names, delimiter=delimiter)
    for row in reader:
        yield reader.line_num + 1, {known[name]: value for name, value in row.items() if name in known}


def _known(names: Iterable[str], address: str) -> dict[str, str]:
    listed = list(names)
    known = {name: COLUMNS[name.strip().lower()] for name in listed if name.strip().lower() in COLUMNS}
    if "path" not in known.values():
        raise DataError(
            f"The manifest {address} has no column 'path', only: {', '.join(map(repr, listed)) or 'nothing'}.",
            "Name the columns path, time, latitude, longitude, chainage, gsd_mm_per_px; all but path may be left out.",
        )
    doubled = sorted({column for column in known.values() if list(known.values()).count(column) > 1})
    if doubled:
        raise DataError(f"The manifest {address} tells {', '.join(doubled)} twice.", "Remove one of the columns.")
    return known


def _hash(name: str) -> int:
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogateescape"), digest_size=8).digest(), "little")
