"""The sections of a survey, worst first."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.survey.plan import Survey
from pipeline.survey.published import read_batches

COLUMNS = (
    *("route_id", "direction", "lane", "from_m", "to_m", "surveyed_m", "photographs", "cracks", "crack_m"),
    *("pattern_m2", "cracking_share", "cracking_percent", "wheel_path_percent", "cracking_class", "flags", "line_deg"),
)


@dataclass(frozen=True)
class Sections:
    """Rows of the table ``sections``.

    Attributes:
        worst: most cracking first; sections without a figure come last.
        count: of all of them.
    """

    worst: list[dict[str, Any]]
    count: int


def worst_sections(survey: Survey, most: int) -> Sections:
    """Read the published table once, and keep the `most` worst."""
    worst: list[dict[str, Any]] = []
    count = 0
    for batch in read_batches(survey, "sections", COLUMNS):
        count += batch.num_rows
        worst = heapq.nlargest(most, [*worst, *batch.to_pylist()], key=_badness)
    return Sections(worst, count)


def section_name(row: Mapping[str, Any]) -> str:
    """Which section, as a person says it.

    >>> section_name({"route_id": "A7", "direction": None, "lane": "2", "from_m": 100.0, "to_m": 200.0})
    'A7, lane 2, 100–200 m'
    """
    lane = f"lane {row['lane']}" if row["lane"] else None
    return ", ".join(str(part) for part in (row["route_id"], row["direction"], lane, stretch(row)) if part)


def stretch(row: Mapping[str, Any]) -> str:
    """From where to where.

    >>> stretch({"from_m": 160.9344, "to_m": 321.8688})
    '160.9–321.9 m'
    """
    low, high = (f"{row[end]:.1f}".removesuffix(".0") for end in ("from_m", "to_m"))
    return f"{low}–{high} m"


def _badness(row: Mapping[str, Any]) -> tuple[float, float]:
    share, metres = row["cracking_share"], row["crack_m"]
    return (-1.0 if share is None else share, metres or 0.0)
