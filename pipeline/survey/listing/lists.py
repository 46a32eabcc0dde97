"""A manifest's file → its lines by column: CSV as spreadsheets write it, a path a line, JSON, Parquet."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import fsspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from models.errors import DataError, UsageError
from models.given import CHECK_RIGHTS, open_given, size
from pipeline.survey.listing.addresses import is_address
from pipeline.survey.listing.columns import Column, Header, names_photographs, read_header
from pipeline.survey.listing.values import Line, is_empty

SUFFIXES = (".csv", ".tsv", ".txt", ".json", ".parquet")
SHEETS = (
    *(".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".numbers"),
    *(".geojson", ".gpkg", ".shp", ".kml", ".kmz", ".gpx", ".xml", ".yaml", ".yml", ".jsonl", ".ndjson", ".feather"),
)
"""What else lists of photographs come as; refused as usage, by name."""

MOST_BYTES, MOST_JSON_BYTES = 16_000_000_000, 128_000_000
LONGEST_LINE, LONGEST_VALUE = 1_000_000, 100_000
DELIMITERS = ",;\t|"
DECIMAL_COMMA = {",": False, ";": True}
"""Whether a comma in a number is a decimal one, by what separates the columns: spreadsheets that write decimal commas
take semicolons. Otherwise it may be either."""

NONE = "\x1f"
"""Separator for a list of one column, where a path may hold any sign that people use to separate columns."""


class Listed(NamedTuple):
    """One line of a manifest.

    Attributes:
        number: of the line, a CSV's header being 1; elsewhere counted from 1.
        decimal_comma: a comma in a number is a decimal one; None: it may part thousands too.
        surplus: it has more cells than the header has names, so that none is sure.
        hash_sign: it begins with ``#``: a comment, unless a file has that name.
    """

    number: int
    values: Line
    decimal_comma: bool | None
    surplus: bool = False
    hash_sign: bool = False


def check_list(address: str) -> None:
    """Refuse what is a list of photographs by its name, in a format that is not read.

    Raises:
        UsageError: naming the formats that are.
    """
    found = next((suffix for suffix in SHEETS if address.lower().endswith(suffix)), None)
    if found is not None:
        raise UsageError(
            f"{address}: manifests are not read as {found}.",
            f"Save it as CSV (UTF-8). {', '.join(SUFFIXES)} are read; docs/manifests.md says how.",
        )


def read_lines(address: str, passed_over: dict[str, int]) -> Iterator[Listed]:
    """Every line of a manifest.

    Args:
        address: path or address of the file; its suffix, in any case, tells the format.
        passed_over: told of columns that are not known, as the dict `{what: how many}`.

    Raises:
        DataError: it cannot be read, or has no column that names the photographs.
    """
    try:
        with _open(address) as file:
            if address.lower().endswith(".parquet"):
                yield from _parquet(file, address, passed_over)
            elif address.lower().endswith(".json"):
                yield from _json(file, address, passed_over)
            else:
                yield from _text(file, address, passed_over)
    except (OSError, pa.ArrowException, csv.Error, ImportError, UnicodeError, RecursionError) as error:
        told = error.strerror if isinstance(error, OSError) and error.strerror else error
        remedy = CHECK_RIGHTS if isinstance(error, PermissionError) else "Check that it is whole."
        raise DataError(f"The manifest {address} cannot be read: {told}.", remedy) from error


def _open(address: str) -> BinaryIO:
    if is_address(address):
        opened: BinaryIO = fsspec.open(address, "rb").open()
        return opened
    return open_given(Path(address), MOST_BYTES)


def _text(file: BinaryIO, address: str, passed_over: dict[str, int]) -> Iterator[Listed]:
    # Names that are not UTF-8 come through as they would from the folder itself, and are told of there.
    text = io.TextIOWrapper(file, encoding=_encoding(file), errors="surrogateescape", newline="")
    lines = _bounded(text)
    first = next(lines, "")
    before = 1
    if said := re.fullmatch(r"sep=(.)\s*", first, re.IGNORECASE):  # for spreadsheets, and no line of the table
        first, before = next(lines, ""), 2
    delimiter = said[1] if said else max(DELIMITERS, key=first.count)
    names = next(csv.reader([first], delimiter=delimiter, strict=True), [])
    if address.lower().endswith(".txt") and not names_photographs(names):
        yield from _paths(first, lines)
        return
    header = _header(names, address, passed_over)
    # Where there is one column, a comma is part of a name.
    reader = csv.DictReader(lines, fieldnames=names, delimiter=delimiter if len(names) > 1 else NONE, strict=True)
    number, blank = before, 0
    try:
        for row in reader:
            more = row.pop(None, None) or ()  # cells beyond the header's
            surplus = any(cell.strip() for cell in more)
            if not surplus and all(is_empty(value) for value in row.values()):  # spreadsheets save blank lines so
                blank += 1
                passed_over["blank lines"] = blank  # the file is read twice: no sum
                continue
            line = _by_column(row, header)
            if "\n" in str(line.get(Column("path"))):  # what a quote has swallowed would be missed by nobody
                raise csv.Error("a path with a line break")
            yield Listed(reader.line_num + before, line, DECIMAL_COMMA.get(delimiter), surplus)
            number = reader.line_num + before
    except csv.Error as error:
        raise DataError(
            f"The manifest {address} cannot be read after line {number}: {error}.",
            'Look there for a quote (") that is opened and not closed, or stands within a value.',
        ) from error


def _paths(first: str, rest: Iterator[str]) -> Iterator[Listed]:
    """A path a line, empty lines left out."""
    number = 1
    line: str | None = first
    while line is not None:
        path = line.strip()
        if len(path) > 2 and path[0] == path[-1] == '"':  # as a shell's or Windows' copy as path writes it
            path = path[1:-1]
        if path:
            yield Listed(number, {Column("path"): path}, False, hash_sign=line.lstrip().startswith("#"))
        line, number = next(rest, None), number + 1


def _json(file: BinaryIO, address: str, passed_over: dict[str, int]) -> Iterator[Listed]:
    content = file.read(MOST_JSON_BYTES + 1)
    if len(content) > MOST_JSON_BYTES:
        raise DataError(
            f"The manifest {address} has more than {size(MOST_JSON_BYTES)}.", "Save lists this long as CSV or Parquet."
        )
    wanted = 'Write a list of paths, ["1.jpg", …], or of objects, [{"path": "1.jpg", "latitude": 38.7, …}, …].'
    try:
        listed = json.loads(content)
    except RecursionError:
        raise DataError(f"The manifest {address} is no list of paths or objects.", wanted) from None
    except ValueError as error:  # not JSON, not Unicode, or a number of thousands of digits
        raise DataError(f"The manifest {address} is no JSON: {error}.", wanted) from None
    if not isinstance(listed, list) or not all(isinstance(item, str | dict) for item in listed):
        raise DataError(f"The manifest {address} is no list of paths or objects.", wanted)
    objects = [{"path": item} if isinstance(item, str) else item for item in listed]
    if not objects:
        return
    header = _header(dict.fromkeys(name for item in objects for name in item), address, passed_over)
    for number, item in enumerate(objects, start=1):
        yield Listed(number, _by_column(item, header), None)


def _parquet(file: BinaryIO, address: str, passed_over: dict[str, int]) -> Iterator[Listed]:
    names = pq.read_schema(file).names
    header = _header(names, address, passed_over)
    # Dictionaries hold each text once, however often it stands there: their size can be looked at before they unfold.
    opened = pq.ParquetFile(file, read_dictionary=list(header.known))
    number = 0
    for batch in opened.iter_batches(4096, columns=list(header.known)):
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            _check_column(column, f"The manifest {address}", name)
        for row in batch.to_pylist():
            number += 1
            yield Listed(number, _by_column(row, header), None)


def _check_column(column: pa.Array, manifest: str, name: str) -> None:
    values = column.dictionary if pa.types.is_dictionary(column.type) else column
    kind = values.type
    if pa.types.is_nested(kind):
        raise DataError(f"{manifest} has {kind} in column {name!r}.", "Give text, numbers or times.")
    texts = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind)
    longest = pc.max(pc.binary_length(values)).as_py() if texts else None
    if (longest or 0) > LONGEST_VALUE:
        raise DataError(f"{manifest} has a text of {longest} bytes in column {name!r}.", "Check that it is whole.")


def _header(names: Any, address: str, passed_over: dict[str, int]) -> Header:
    header = read_header(names, address)
    if header.passed_over:
        passed_over[f"of the manifest's columns ({header.told})"] = len(header.passed_over)
    return header


def _by_column(row: dict[str, Any], header: Header) -> Line:
    values = {column: row.get(name) for name, column in header.known.items()}
    return {column: value for column, value in values.items() if not isinstance(value, dict | list)}


def _bounded(text: io.TextIOWrapper) -> Iterator[str]:
    while line := text.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise csv.Error(f"a line has over {LONGEST_LINE:,} characters")
        yield line


def _encoding(file: BinaryIO) -> str:
    """By the first bytes: UTF-16 as spreadsheets save *Unicode text*, else UTF-8, with or without its mark."""
    head = file.read(4)
    file.seek(0)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if len(head) == 4 and head[0] and head[2] and not head[1] and not head[3]:
        return "utf-16-le"
    return "utf-8-sig"
