"""The cracks of one photograph as lines and areas to draw over it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from markupsafe import Markup

from pipeline.storage.schemas import SEVERITIES
from pipeline.survey.plan import Survey
from pipeline.survey.published import rows_by_name

LEVELS = (*SEVERITIES["astm"], "other")
"""Classes of colour; "other" is whatever no standard's level was told of."""

MOST_LINES, MOST_AREAS = 250, 40
"""Drawn on one photograph, the longest and the largest."""

FINE = 1280
"""Lines keep within half of this part of the photograph's longer side: finer than a screen shows."""


@dataclass(frozen=True)
class CrackLines:
    """What to draw.

    Attributes:
        lines: path of all lines, by level of severity.
        areas: of each pattern area its outline, and x, y (px) and text of its size.
        told: how much it is, in words; empty for nothing.
    """

    lines: Mapping[str, Markup] = field(default_factory=dict)
    areas: list[tuple[Markup, int, int, str]] = field(default_factory=list)
    told: str = ""


def read_cracks(survey: Survey, names: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """Rows of ``cracks`` of a few photographs, by name, in one pass over the table."""
    columns = ["name", "kind", "length_px", "length_m", "area_px", "area_m2", "severity_astm", "line_px", "outline_px"]
    return rows_by_name(survey, "cracks", columns, names)


def draw_cracks(cracks: Iterable[Mapping[str, Any]], width: int, height: int) -> CrackLines:
    """Lines and areas of one photograph of this size, px."""
    listed, tolerance = list(cracks), max(width, height, 1) / FINE / 2
    areas = [crack for crack in listed if crack["kind"] == "pattern" and crack["outline_px"]]
    cut = sorted((c for c in listed if c["kind"] != "pattern" and c["line_px"]), key=lambda c: -(c["length_px"] or 0))
    paths: defaultdict[str, str] = defaultdict(str)
    for crack in cut[:MOST_LINES]:
        paths[level_of(crack)] += _path(crack["line_px"], tolerance)
    areas.sort(key=lambda crack: -(crack["area_px"] or 0))
    return CrackLines(
        {level: Markup(paths[level]) for level in LEVELS if level in paths},  # numbers only
        [_area(crack, tolerance) for crack in areas[:MOST_AREAS]],
        _told(cut, areas),
    )


def level_of(crack: Mapping[str, Any]) -> str:
    """Its severity by ASTM D6433, one of `LEVELS`: a word of a file never becomes a class of the page."""
    return next((level for level in SEVERITIES["astm"] if level == crack["severity_astm"]), "other")


def _path(flat: list[float], tolerance: float, close: str = "") -> str:
    points = np.asarray(flat, np.float32).reshape(-1, 2)
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        return ""
    simple = cv2.approxPolyDP(points[:, None], tolerance, bool(close)).reshape(-1, 2)
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in simple.tolist()) + (close or "h0" * (len(simple) == 1))


def _area(crack: Mapping[str, Any], tolerance: float) -> tuple[Markup, int, int, str]:
    corners = np.asarray(crack["outline_px"], np.float64).reshape(-1, 2)
    x, y = np.nanmean(corners, axis=0).tolist()
    return Markup(_path(crack["outline_px"], tolerance, "z")), round(x), round(y), _size([crack])


def _told(cut: list[Mapping[str, Any]], areas: list[Mapping[str, Any]]) -> str:
    told = []
    if cut:
        metres = [crack["length_m"] for crack in cut]
        known = all(length is not None for length in metres)
        length = f"{sum(metres):.1f} m" if known else f"{sum(c['length_px'] or 0 for c in cut):,.0f} px"
        told.append(f"{len(cut)} {'crack' if len(cut) == 1 else 'cracks'}, {length} long")
    if areas:
        told.append(f"pattern cracking {_size(areas)}")
    return "; ".join(told)


def _size(areas: list[Mapping[str, Any]]) -> str:
    metres = [crack["area_m2"] for crack in areas]
    if all(size is not None for size in metres):
        return f"{sum(metres):.2g} m²" if sum(metres) < 10 else f"{sum(metres):,.0f} m²"
    return f"{sum(crack['area_px'] or 0 for crack in areas):,.0f} px"
