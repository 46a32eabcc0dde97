"""A measured crack on the road and on the globe: chainage from and to, zone, and its line or area in WGS 84."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely

from pipeline.arrays import Reals
from pipeline.placing.cuts import cut_at
from pipeline.placing.geodesy import from_road, rounded_line
from pipeline.placing.globe_areas import area_degrees, polygons_in
from pipeline.placing.photograph_view import Sight
from pipeline.placing.road import RoadView
from pipeline.placing.roadbook import Placed
from pipeline.placing.seen_cracks import road_line, zone_in

NEAR_M = 1e-6
"""A point so near to the edge of a strip lies on it."""


def road_outline(crack: Mapping[str, Any], view: RoadView) -> shapely.Geometry | None:
    """Outline of a pattern area as a polygon, m right and ahead; None where it has none."""
    if crack["outline_px"] is None:
        return None
    corners = view.to_road(np.asarray(crack["outline_px"], np.float64).reshape(-1, 2))
    corners = corners[np.isfinite(corners).all(axis=1)]
    return shapely.make_valid(shapely.Polygon(corners)) if len(corners) > 2 else None


def place_crack(crack: Mapping[str, Any], placed: Placed, sight: Sight, counted: float | None) -> dict[str, Any]:
    """What the place adds to a row of the table ``cracks``.

    Args:
        crack: the row as it was measured.
        placed: its photograph.
        sight: how the photograph shows the road.
        counted: what of it counts, of `pipeline.placing.sums.SectionSums.add`: metres, of a pattern square metres.
    """
    told = [word for word in str(crack.get("flags") or "").split("; ") if word]
    flags = "; ".join(dict.fromkeys([*told, *([sight.flag] if sight.flag else [])])) or None
    row: dict[str, Any] = {name: getattr(placed, name) for name in ("route_id", "direction", "lane")}
    pattern = crack["kind"] == "pattern"
    row |= {"flags": flags, "counted_m": None if pattern else counted, "counted_m2": counted if pattern else None}
    line = np.empty((0, 2)) if sight.view is None else road_line(crack, sight.view)
    if sight.view is None or not len(line):
        if np.isfinite(placed.chainage):
            row |= {"from_m": placed.chainage, "to_m": placed.chainage}
        return row
    row["zone"] = zone_in(crack["kind"], line, sight.view)
    if np.isfinite(placed.chainage):
        along = placed.chainage + placed.sense * line[:, 1]
        row |= {"from_m": float(along.min()), "to_m": float(along.max())}
    if np.isfinite([placed.latitude, placed.longitude, placed.heading]).all():
        row["line_deg"] = _on_the_globe(crack, line, placed, sight.view).reshape(-1).tolist() or None
    return row


def is_owned(crack: Mapping[str, Any], placed: Placed, view: RoadView) -> bool:
    """Whether a part of a crack lies in the photograph's strip."""
    if crack["kind"] == "pattern":
        return not shapely.is_empty(owned_area(road_outline(crack, view), placed))
    return len(owned_span(road_line(crack, view), placed)) > 0


def owned_area(outline: shapely.Geometry | None, placed: Placed) -> shapely.Geometry:
    """The part of a pattern area that lies in the photograph's strip.

    Args:
        outline: of `road_outline`.
        placed: the photograph; without a chainage it owns all of it.

    Returns:
        A multipolygon, m right and ahead, empty where another photograph owns the area: where that winds, several
        parts of it may lie in one strip.
    """
    if outline is None:
        return shapely.MultiPolygon()
    if not np.isfinite(placed.chainage):
        return polygons_in(outline)
    left, near, right, far = outline.bounds
    ends = sorted((edge - placed.chainage) * placed.sense for edge in (placed.low, placed.high))
    low, high = max(near, ends[0]), min(far, ends[1])
    if not low < high:
        return shapely.MultiPolygon()
    return polygons_in(shapely.intersection(outline, shapely.box(left, low, right, high)))


def _on_the_globe(crack: Mapping[str, Any], line: Reals, placed: Placed, view: RoadView) -> Reals:
    """What the photograph owns of a crack, ``(N, 2)`` degrees: its line, or the rings of its area."""
    if crack["kind"] == "pattern":
        return area_degrees(owned_area(road_outline(crack, view), placed), placed)
    return rounded_line(from_road(placed.latitude, placed.longitude, placed.heading, owned_span(line, placed)))


def owned_span(line: Reals, placed: Placed) -> Reals:
    """The part of a line from where it first enters the photograph's strip to where it leaves it last."""
    if not np.isfinite(placed.chainage):
        return line
    for edge in (placed.low, placed.high):
        line = cut_at(line, (edge - placed.chainage) * placed.sense, 1)
    along = placed.chainage + placed.sense * line[:, 1]
    inside = np.flatnonzero((along >= placed.low - NEAR_M) & (along <= placed.high + NEAR_M))
    return line[inside[0] : inside[-1] + 1] if len(inside) > 1 else line[:0]
