"""A measured crack on the road and on the globe: chainage from and to, zone, and its line in WGS 84."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely

from pipeline.arrays import Reals
from pipeline.placing.geodesy import from_road
from pipeline.placing.photograph_view import Sight
from pipeline.placing.road import RoadView
from pipeline.placing.roadbook import Placed
from pipeline.placing.seen_cracks import road_line, zone_in

LINE_DECIMALS = 8
"""Of a degree: about a millimetre."""

NEAR_M = 1e-6
"""A point so near to the edge of a strip lies on it."""


def road_outline(crack: Mapping[str, Any], view: RoadView) -> shapely.Geometry | None:
    """Outline of a pattern area as a polygon, m right and ahead; None where it has none."""
    if crack["outline_px"] is None:
        return None
    corners = view.to_road(np.asarray(crack["outline_px"], np.float64).reshape(-1, 2))
    corners = corners[np.isfinite(corners).all(axis=1)]
    return shapely.make_valid(shapely.Polygon(corners)) if len(corners) > 2 else None


def place_crack(crack: Mapping[str, Any], placed: Placed, sight: Sight, counted_m: float | None) -> dict[str, Any]:
    """What the place adds to a row of the table ``cracks``.

    Args:
        crack: the row as it was measured.
        placed: its photograph.
        sight: how the photograph shows the road.
        counted_m: metres of it that count, of `pipeline.placing.sums.SectionSums.add`.
    """
    told = [word for word in str(crack.get("flags") or "").split("; ") if word]
    flags = "; ".join(dict.fromkeys([*told, *([sight.flag] if sight.flag else [])])) or None
    row: dict[str, Any] = {name: getattr(placed, name) for name in ("route_id", "direction", "lane")}
    row |= {"flags": flags, "counted_m": counted_m}
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
        degrees = from_road(placed.latitude, placed.longitude, placed.heading, owned_span(line, placed))
        row["line_deg"] = np.round(degrees, LINE_DECIMALS).reshape(-1).tolist() or None
    return row


def owned_span(line: Reals, placed: Placed) -> Reals:
    """The part of a line from where it first enters the photograph's strip to where it leaves it last."""
    if not np.isfinite(placed.chainage):
        return line
    for edge in (placed.low, placed.high):
        line = _cut_at(line, (edge - placed.chainage) * placed.sense)
    along = placed.chainage + placed.sense * line[:, 1]
    inside = np.flatnonzero((along >= placed.low - NEAR_M) & (along <= placed.high + NEAR_M))
    return line[inside[0] : inside[-1] + 1] if len(inside) > 1 else line[:0]


def _cut_at(line: Reals, ahead: float) -> Reals:
    """The line with points where it crosses a distance ahead, m."""
    over = line[:, 1] - ahead
    crossing = np.flatnonzero(over[:-1] * over[1:] < 0)
    if not np.isfinite(ahead) or not len(crossing):
        return line
    share = (over[crossing] / (over[crossing] - over[crossing + 1]))[:, None]
    points = line[crossing] + share * (line[crossing + 1] - line[crossing])
    return np.insert(line, crossing + 1, points, axis=0)
