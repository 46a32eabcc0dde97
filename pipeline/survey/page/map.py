"""A map of a survey that needs no network: track, sections, cracks and photographs as SVG paths.

East is right and north is up; degrees become metres on a plane through the middle of the survey, true within a per
cent over some hundred kilometres.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup

from pipeline.arrays import Reals
from pipeline.placing.rings import rings_in
from pipeline.survey.page.crack_lines import LEVELS, level_of
from pipeline.survey.page.sections_table import Sections, section_name
from pipeline.survey.page.thinning import every_so_many
from pipeline.survey.plan import Survey
from pipeline.survey.published import read_batches

WIDTH, LOWEST, HIGHEST, MARGIN = 1000, 260, 900, 24
"""Of the drawing, in its own unit."""

MOST_DOTS, MOST_CRACKS, MOST_SECTIONS = 1500, 3000, 600
LEAST_M = 20.0
DEGREE_M = math.pi * 6_371_008.8 / 180
"""Metres in a degree of a great circle, mean radius of the Earth (IUGG)."""

GAP = 20
"""The track is broken where two photographs are this many times the usual distance apart."""


class Dot(NamedTuple):
    """A photograph on the map; `plate` is its number in the gallery, None if it is not shown there."""

    x: float
    y: float
    name: str
    cracked: bool
    plate: int | None


@dataclass(frozen=True)
class RoadMap:
    """What the page draws.

    Attributes:
        height: of the drawing, `WIDTH` wide.
        track: path from photograph to photograph.
        sections: of each its class in lower case ("none": no figure), path, and what it is.
        cracks: path of all cracks, by level of severity.
        dots: photographs, those of the gallery last.
        bar_share: length of the scale bar as a share of the width.
        bar: that length in words.
        thinned: what was left out, in words.
    """

    height: int
    track: Markup
    sections: list[tuple[str, Markup, str]]
    cracks: Mapping[str, Markup]
    dots: list[Dot]
    bar_share: float
    bar: str
    thinned: list[str]


def draw_map(survey: Survey, sections: Sections, places: Mapping[str, int]) -> RoadMap | None:
    """Draw the published tables.

    Args:
        survey: published.
        sections: of `pipeline.survey.page.sections_table.worst_sections`, `MOST_SECTIONS` of them.
        places: numbers of the photographs in the gallery, by name.

    Returns:
        None where no photograph has a position.
    """
    pinned: list[dict[str, Any]] = []
    photographs, count = every_so_many(_photographs(survey, places, pinned), MOST_DOTS)
    if not count:
        return None
    cracks, crack_count = _cracks(survey)
    lined = [row for row in sections.worst[:MOST_SECTIONS] if row["line_deg"]]
    track = np.array([[row["longitude_deg"], row["latitude_deg"]] for row in photographs])
    shown = np.array([[row["longitude_deg"], row["latitude_deg"]] for row in pinned]).reshape(-1, 2)
    lines = [_points(row["line_deg"]) for row in (*lined, *cracks)]
    plane = Plane(np.concatenate([track, shown, *lines]))
    paths: dict[str, str] = {}
    for row, line in zip(cracks, lines[len(lined) :], strict=True):
        parts = rings_in(line) if row["kind"] == "pattern" else [line]
        paths[level_of(row)] = paths.get(level_of(row), "") + "".join(_path(plane.place(part)) for part in parts)
    known = {row["name"] for row in pinned}
    spots = [row for row in photographs if row["name"] not in known] + pinned
    places_of = plane.place(np.array([[row["longitude_deg"], row["latitude_deg"]] for row in spots]))
    bar_m = _round_length(plane.metres / 4)
    return RoadMap(
        plane.height,
        Markup(_track(plane.place(track))),  # numbers only, as all paths
        [(_grade(row), Markup(_path(plane.place(line))), _told(row)) for row, line in zip(lined, lines, strict=False)],
        {level: Markup(paths[level]) for level in LEVELS if level in paths},
        [
            Dot(round(x, 1), round(y, 1), row["name"], bool(row["crack_px"]), places.get(row["name"]))
            for row, (x, y) in zip(spots, places_of.tolist(), strict=True)
        ],
        bar_m / plane.metres,
        f"{bar_m / 1000:g} km" if bar_m >= 1000 else f"{bar_m:g} m",
        [
            f"{drawn:,} of {whole:,} {what}"
            for drawn, whole, what in (
                (len(spots), count, "photographs, at even distances"),
                (len(cracks), crack_count, "cracks, the longest"),
                (min(sections.count, MOST_SECTIONS), sections.count, "sections, the worst"),
            )
            if drawn < whole
        ],
    )


class Plane:
    """From degrees to the drawing."""

    def __init__(self, degrees: Reals) -> None:
        """Fit in all of these, ``(N, 2)`` longitude and latitude."""
        self._east = float(degrees[0, 0])
        self._shrink = math.cos(math.radians(float(degrees[:, 1].min() + degrees[:, 1].max()) / 2))
        flat = self._flat(degrees)
        low, high = flat.min(axis=0), flat.max(axis=0)
        self._middle = (low + high) / 2
        wide, tall = np.maximum(high - low, LEAST_M).tolist()
        inside = WIDTH - 2 * MARGIN
        self._scale = min(inside / wide, (HIGHEST - 2 * MARGIN) / tall)
        self.height = round(min(max(LOWEST, tall * self._scale + 2 * MARGIN), HIGHEST))
        self.metres = WIDTH / self._scale

    def place(self, degrees: Reals) -> Reals:
        """``(N, 2)`` x, y of the drawing."""
        away = (self._flat(degrees) - self._middle) * self._scale
        placed: Reals = np.column_stack([WIDTH / 2 + away[:, 0], self.height / 2 - away[:, 1]])
        return placed

    def _flat(self, degrees: Reals) -> Reals:
        east = (degrees[:, 0] - self._east + 180) % 360 - 180  # a survey may cross the date line
        return np.column_stack([east * self._shrink, degrees[:, 1]]) * DEGREE_M


def _photographs(survey: Survey, places: Mapping[str, int], pinned: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Rows of ``images`` that have a position; those of the gallery are put into `pinned` too."""
    for batch in read_batches(survey, "images", ["name", "latitude_deg", "longitude_deg", "crack_px"]):
        for row in batch.to_pylist():
            place = (row["latitude_deg"], row["longitude_deg"])
            if all(value is not None and math.isfinite(value) for value in place):
                if row["name"] in places:
                    pinned.append(row)
                yield row


def _cracks(survey: Survey) -> tuple[list[dict[str, Any]], int]:
    """The longest rows of ``cracks`` that have a line on the globe, and how many have one."""
    longest: list[dict[str, Any]] = []
    count = 0
    for batch in read_batches(survey, "cracks", ["kind", "length_m", "severity_astm", "line_deg"]):
        rows = [row for row in batch.to_pylist() if row["line_deg"]]
        count += len(rows)
        longest = heapq.nlargest(MOST_CRACKS, [*longest, *rows], key=lambda row: row["length_m"] or 0.0)
    return longest, count


def _points(flat: list[float]) -> Reals:
    return np.asarray(flat, np.float64).reshape(-1, 2)


def _path(points: Reals) -> str:
    """Path through ``(N, 2)`` points, those left out that would fall on the one before."""
    texts = [f"{x:.1f} {y:.1f}" for x, y in points.tolist()]
    texts = [text for number, text in enumerate(texts) if number == 0 or text != texts[number - 1]]
    return "M" + "L".join(texts) + ("h0" if len(texts) == 1 else "")


def _track(points: Reals) -> str:
    steps = np.hypot(*np.diff(points, axis=0).T)
    moving = steps[steps > 0]
    if not len(moving):
        return _path(points)
    breaks = np.flatnonzero(steps > GAP * np.median(moving)) + 1
    return "".join(_path(part) for part in np.split(points, breaks))


def _grade(row: Mapping[str, Any]) -> str:
    return {"Good": "good", "Fair": "fair", "Poor": "poor"}.get(row["cracking_class"], "none")


def _told(row: Mapping[str, Any]) -> str:
    percent = row["cracking_percent"]
    return f"{section_name(row)}: " + ("no figure" if percent is None else f"{percent} % cracking")


def _round_length(metres: float) -> float:
    """The longest of 1, 2, 5, 10, 20, … that is not longer."""
    power: float = 10.0 ** math.floor(math.log10(metres))
    return next(power * digit for digit in (5, 2, 1) if power * digit <= metres or digit == 1)
