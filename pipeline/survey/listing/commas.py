"""Commas in the numbers of a manifest: decimal ones are read, those that may as well part thousands are told of."""

from __future__ import annotations

import re
from typing import Any

from pipeline.survey.listing.bad_line import BadLineError, shortened
from pipeline.survey.listing.columns import LIMITS, Column

_COMMA = re.compile(r"\s*[-+]?[\d+]*,\d+\s*")
_THOUSANDS = re.compile(r"\s*[-+]?[1-9]\d{0,2},\d{3}\s*")


def without_commas(given: dict[Column, Any], sure: bool) -> dict[Column, Any]:
    """The same values of a line, numbers with a decimal comma written with a point.

    Args:
        given: values by column.
        sure: a comma is a decimal one whatever comes after it.

    Raises:
        BadLineError: other numbers have points, or each comma may as well part thousands.

    >>> list(without_commas({Column("latitude_deg"): "38,720", Column("chainage_m"): "1,234"}, sure=False).values())
    ['38.720', '1.234']
    """
    numbers = {column: value for column, value in given.items() if column.field in LIMITS and isinstance(value, str)}
    commas = {column: value for column, value in numbers.items() if _COMMA.fullmatch(value)}
    first = next(iter(commas.values()), None)
    pointed = next((value for value in numbers.values() if commas and "." in value), None)
    if pointed is not None:
        raise BadLineError(
            f"numbers are written with a comma and with a point, as {shortened(first)} and {shortened(pointed)}, so "
            "neither is sure"
        )
    if first is not None and not sure and all(map(_may_part_thousands, commas, commas.values())):
        plain = first.strip()
        raise BadLineError(
            f"the comma of {shortened(first)} may be a decimal one or part thousands; write {plain.replace(',', '.')} "
            f"or {plain.replace(',', '')}"
        )
    return given | {column: value.replace(",", ".") for column, value in commas.items()}


def _may_part_thousands(column: Column, value: str) -> bool:
    low, high = LIMITS[column.field]
    return _THOUSANDS.fullmatch(value) is not None and low <= float(value.replace(",", "")) * column.factor <= high
