"""Shapes cut at ±180°, where the map ends: what crosses it would span the globe in a GIS (RFC 7946, 3.1.9)."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import shapely

from pipeline.arrays import Reals
from pipeline.placing.cuts import cut_at
from pipeline.placing.geodesy import unwrapped
from pipeline.placing.globe_areas import polygons_in


def split_line(points: Reals) -> shapely.Geometry:
    """A line on the globe, or several that end and begin at ±180°.

    Args:
        points: ``(N, 2)`` longitude within ±180° and latitude, two points or more.
    """
    line = np.column_stack([unwrapped(points[:, 0]), points[:, 1]])
    for edge in _edges(line[:, 0].min(), line[:, 0].max()):
        line = cut_at(line, edge, 0)
    turns = _turn((line[:-1, 0] + line[1:, 0]) / 2)  # of each step
    bounds = [0, *(np.flatnonzero(np.diff(turns)) + 1), len(turns)]
    parts = [_shifted(line[begin : end + 1], turns[begin]) for begin, end in pairwise(bounds)]
    return shapely.LineString(parts[0]) if len(parts) == 1 else shapely.MultiLineString(parts)


def split_area(area: shapely.Geometry) -> shapely.Geometry:
    """An area on the globe, or several that meet at ±180°.

    Args:
        area: polygons whose longitudes go on beyond ±180° where they cross it.
    """
    west, _, east, _ = area.bounds
    if area.is_empty or (west >= -180 and east <= 180):
        return area
    parts: list[shapely.Geometry] = []
    for low, high in pairwise([-math.inf, *_edges(west, east), math.inf]):
        begin, end = max(low, west), min(high, east)
        turn = _turn(np.array((begin + end) / 2))
        cut = polygons_in(shapely.intersection(area, shapely.box(begin, -90, end, 90)))
        parts += shapely.transform(cut, lambda flat, turn=turn: _shifted(flat, turn)).geoms
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


def _edges(west: float, east: float) -> list[float]:
    """Longitudes strictly between these two where the map ends: odd multiples of 180°."""
    numbers = range(math.floor((west - 180) / 360), math.ceil((east - 180) / 360) + 1)
    return [edge for edge in (180.0 + 360.0 * number for number in numbers) if west < edge < east]


def _turn(longitude: Reals) -> Reals:
    """How often a longitude has gone round the globe."""
    return np.asarray(np.floor((longitude + 180) / 360), np.float64)


def _shifted(points: Reals, turn: Reals) -> Reals:
    """Points of one turn within ±180°."""
    return np.column_stack([np.clip(points[:, 0] - 360 * turn, -180, 180), points[:, 1]])
