"""One line of a manifest → what it tells of time and place, in the fields and units of `Photograph`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from datetime import time as clock
from typing import Any, TypeVar

import pandas as pd

from pipeline.survey.listing.bad_line import BadLineError, shortened
from pipeline.survey.listing.columns import KM, LIMITS, Column
from pipeline.survey.listing.commas import without_commas

YEARS = range(1900, 2100)
TEXTS = ("route_id", "direction", "lane")
LONGEST_TEXT = 200
NO_DAYS = ("0001-01-01", "0000-00-00")  # as .NET and MySQL write no time
NOTHING = frozenset({"null", "none", "nan", "nat", "n/a", "na", "\\n", "#n/a", "-"})
NORTHS = {"t": "true", "true": "true", "m": "magnetic", "magnetic": "magnetic"}

_POLES = {"latitude_deg": "NS", "longitude_deg": "EW"}
_WORDS = {"N": "NORTH", "S": "SOUTH", "E": "EAST", "W": "WEST"}
_REFERENCES = {"latitude_deg": "latitude_reference", "longitude_deg": "longitude_reference"}
_POLE = re.compile(
    r"\s*(?P<degrees>\d{1,3}(\.\d+)?)\s*(°|deg)?\s*((?P<minutes>\d{1,2}(\.\d+)?)\s*['′]\s*)?"
    r"((?P<seconds>\d{1,2}(\.\d+)?)\s*(\"|″|'')\s*)?(?P<pole>[NSEWnsew])\s*"
)

Line = Mapping[Column, Any]
D = TypeVar("D", bound=date)


def read_place(line: Line, decimal_comma: bool | None) -> dict[str, Any]:
    """Fields of `Photograph` that a line fills.

    Args:
        line: values by column; empty ones tell nothing.
        decimal_comma: ``38,72`` is a number here, since commas do not part the columns; None: as long as its comma
            cannot part thousands.

    Raises:
        BadLineError: a value does not fit its column.
    """
    given = {
        column: value for column, value in line.items() if column.field != "path" and not _says_nothing(column, value)
    }
    if decimal_comma is not False:
        given = without_commas(given, sure=decimal_comma is True)
    told: dict[str, Any] = {}
    moments = {column.field: value for column, value in given.items() if column.field in ("taken_at", "date")}
    if moments:
        told |= _moment(moments)
    for column, value in given.items():
        if column.field in TEXTS:
            told[column.field] = _text(column.field, value)
        elif column.field == "taken_local":
            told[column.field] = _local(value)
        elif column.field == "heading_reference":
            told[column.field] = NORTHS.get(str(value).strip().lower()[:8])
        elif column.field in LIMITS:
            told[column.field] = _number(column, value)
    for axis, poles in _POLES.items():
        reference = next((value for column, value in given.items() if column.field == _REFERENCES[axis]), None)
        if reference is not None and axis in told:
            told[axis] = _signed(axis, told[axis], str(reference).strip(), poles)
    if ("latitude_deg" in told) != ("longitude_deg" in told):
        raise BadLineError("latitude and longitude go together, and one is missing")
    if told.get("latitude_deg") == 0 and told.get("longitude_deg") == 0:  # no road is there: a receiver without a fix
        del told["latitude_deg"], told["longitude_deg"]
    if "heading_deg" in told:
        told["heading_deg"] %= 360.0
    return told


def is_empty(value: Any) -> bool:
    """Whether a cell tells nothing: none, NaN, NaT, or blank."""
    return value is None or value != value or (isinstance(value, str) and not value.strip())


def _says_nothing(column: Column, value: Any) -> bool:
    """Whether a cell is empty, or holds what databases and spreadsheets write where there is no number or time."""
    said = value.strip().casefold() if isinstance(value, str) and column.field not in TEXTS else None
    return is_empty(value) or said in NOTHING or (said or "")[:10] in NO_DAYS


def parse_moment(text: str) -> datetime:
    """A time of day as ISO 8601, as EXIF writes it (``2026:05:31 14:05:09``) or with the day first and points.

    Raises:
        ValueError: it is none, or a date alone.

    >>> parse_moment("2026:05:31 14:05:09"), parse_moment("31.05.2026 9:05")
    (datetime.datetime(2026, 5, 31, 14, 5, 9), datetime.datetime(2026, 5, 31, 9, 5))
    """
    if re.fullmatch(r"\d{4}-?(\d\d-?\d\d|W\d\d(-?\d)?|\d{3})", _iso(text)):
        raise ValueError("a date without a time of day")
    return datetime.fromisoformat(_iso(text))


def _iso(text: str) -> str:
    text = re.sub(r"^(\d{4})[:/.](\d\d)[:/.](\d\d)", r"\1-\2-\3", text.strip())
    text = re.sub(r"^(\d\d?)\.(\d\d?)\.(\d{4})", lambda day: f"{day[3]}-{int(day[2]):02}-{int(day[1]):02}", text)
    text = re.sub(r"^([\d-]{8,10}[T ])(\d:)", r"\g<1>0\2", text)  # as spreadsheets write an hour before ten
    return re.sub(r"\s*(Z|UTC|GMT)$", "+00:00", re.sub(r"(\.\d{6})\d+", r"\1", text), flags=re.IGNORECASE)


def _moment(given: dict[str, Any]) -> dict[str, Any]:
    """``taken_at`` in UTC; a time without zone is UTC, a date without time is kept as ``taken_local``."""
    value, day = given.get("taken_at"), given.get("date")
    try:
        if day is not None and value is not None and re.fullmatch(r"\s*\d\d?:\d\d(:\d\d)?.*", _as_text(value)):
            value = f"{_iso(_as_text(day))[:10]}T{_as_text(value).strip()}"
        elif value is None:
            value = day
        if isinstance(value, pd.Timestamp):  # what nanoseconds come as
            value = value.to_pydatetime(warn=False)
        seconds = _unix_s(value)
        if seconds is not None:
            return {"taken_at": _in_our_time(datetime.fromtimestamp(seconds, UTC))}
        if isinstance(value, datetime):
            moment = value
        else:
            text = _iso(_as_text(value))
            if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
                return {"taken_local": _in_our_time(date.fromisoformat(text)).isoformat()}
            moment = parse_moment(text)
        at = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        _in_our_time(at)
    except (ValueError, OverflowError, OSError):
        raise BadLineError(f"time is {shortened(value)}; write it as 2026-05-31T14:05:09+02:00, or nothing") from None
    return {"taken_at": at}


def _local(value: Any) -> str:
    try:
        return _in_our_time(parse_moment(_as_text(value))).replace(tzinfo=None).isoformat()
    except (ValueError, OverflowError):
        raise BadLineError(f"taken_local is {shortened(value)}; write it as 2026-05-31T14:05:09") from None


def _in_our_time(day: D) -> D:
    if day.year not in YEARS:
        raise ValueError(f"the year {day.year}")
    return day


def _unix_s(value: Any) -> float | None:
    """Seconds since 1970, from seconds or thousandths of them; None where it is no such number."""
    if isinstance(value, bool | date | clock):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    if 1e9 <= number < 1e11:
        return number
    return number / 1e3 if 1e12 <= number < 1e14 else None


def _as_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date | clock) else str(value)


def _text(field: str, value: Any) -> str:
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
    if re.search(r"[\x00-\x1f\ud800-\udfff]", text):  # no table can hold half of a character
        raise BadLineError(f"{field} is {shortened(text)}, which is not UTF-8 or has signs that cannot be shown")
    if len(text) > LONGEST_TEXT:
        raise BadLineError(f"{field} has {len(text)} characters, more than {LONGEST_TEXT}")
    return text


def _number(column: Column, value: Any) -> float:
    name = column.field
    try:
        number = _stationing(value) if name == "chainage_m" else _with_its_pole(name, value)
        number = float(value) * column.factor if number is None else number
    except (TypeError, ValueError, OverflowError):
        raise BadLineError(f"{name} is {shortened(value)}, not a number") from None
    low, high = LIMITS[name]
    if not math.isfinite(number) or not low <= number <= high:
        hint = "; give degrees of WGS 84, not metres of a projection" if "tude" in name and abs(number) > 360 else ""
        raise BadLineError(f"{name} is {number:g}, not from {low:g} to {high:g}{hint}")
    return number


def _stationing(value: Any) -> float | None:
    """Metres of ``12+350``: kilometres and metres, whatever the column's unit; None where it is written otherwise."""
    found = re.fullmatch(r"\s*(\d{1,5})\+(\d{3}(?:\.\d+)?)\s*", value) if isinstance(value, str) else None
    return None if found is None else int(found[1]) * KM + float(found[2])


def _with_its_pole(name: str, value: Any) -> float | None:
    """Degrees of ``38 deg 43' 12.00" N``, as ExifTool writes it, or of ``38.72 N``; None where it is written otherwise.

    The letter must be there: degrees, minutes and seconds without one may lie on either side of zero.
    """
    found = _POLE.fullmatch(value) if isinstance(value, str) else None
    if found is None or found["pole"].upper() not in _POLES.get(name, ""):
        return None
    minutes, seconds = float(found["minutes"] or 0), float(found["seconds"] or 0)
    if minutes >= 60 or seconds >= 60:
        return None
    degrees = float(found["degrees"]) + minutes / 60 + seconds / 3600
    return -degrees if found["pole"].upper() in "SW" else degrees


def _signed(axis: str, number: float, reference: str, poles: str) -> float:
    """Degrees with the sign that their reference, as EXIF keeps it beside them, gives: south and west are negative.

    Raises:
        BadLineError: it is none, or the number says otherwise.
    """
    pole = next((pole for pole in poles if reference.upper() in (pole, _WORDS[pole])), None)
    if pole is None:
        raise BadLineError(f"{_REFERENCES[axis]} is {shortened(reference)}; write {poles[0]} or {poles[1]}")
    if number < 0 and pole == poles[0]:
        raise BadLineError(f"{axis} is {number:g}, and its reference says {reference}")
    return -abs(number) if pole == poles[1] else number
