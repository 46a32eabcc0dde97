"""Distances, bearings and steps on the globe (WGS 84)."""

from __future__ import annotations

import numpy as np
from pyproj import Geod

from pipeline.arrays import Reals

WGS84 = Geod(ellps="WGS84")

LINE_DECIMALS = 8
"""Of a degree: about a millimetre."""


def bearings(latitude: Reals, longitude: Reals) -> tuple[Reals, Reals]:
    """From each of N points to the next: ``(N − 1,)`` degrees clockwise from north, 0–360, and metres."""
    if len(latitude) < 2:
        return np.empty(0), np.empty(0)
    ahead, _, metres = WGS84.inv(longitude[:-1], latitude[:-1], longitude[1:], latitude[1:])
    return np.asarray(ahead) % 360, np.asarray(metres)


def distances(latitude: Reals, longitude: Reals, to_latitude: Reals, to_longitude: Reals) -> Reals:
    """Metres between N pairs of points."""
    _, _, metres = WGS84.inv(longitude, latitude, to_longitude, to_latitude)
    return np.asarray(metres, np.float64)


def unwrapped(longitude: Reals) -> Reals:
    """Longitudes ``(N,)`` of points on one way, degrees, without the jump where it crosses ±180°: they go on beyond."""
    turns = np.round(np.diff(longitude, prepend=longitude[:1]) / 360.0).cumsum()
    return np.asarray(longitude - 360.0 * turns, np.float64)  # whole turns, so that a closed ring stays closed


def wrapped(longitude: Reals) -> Reals:
    """Longitudes of `unwrapped` within ±180° again; those that lie there already stay exactly as they are."""
    return np.asarray(longitude - 360.0 * np.round(longitude / 360.0), np.float64)


def from_road(latitude: float, longitude: float, heading_deg: float, road: Reals) -> Reals:
    """Places on the globe of points on the road around a photograph.

    Args:
        latitude, longitude: of the photograph, degrees.
        heading_deg: of the lane's axis, clockwise from true north.
        road: ``(N, 2)`` m, right and ahead.

    Returns:
        ``(N, 2)`` longitude and latitude, degrees.
    """
    count = len(road)
    azimuth = heading_deg + np.degrees(np.arctan2(road[:, 0], road[:, 1]))
    reach = np.hypot(road[:, 0], road[:, 1])
    east, north, _ = WGS84.fwd(np.full(count, longitude), np.full(count, latitude), azimuth, reach)
    return np.column_stack([east, north])


def rounded_line(points: Reals) -> Reals:
    """Points of a line, ``(N, 2)`` longitude and latitude, to `LINE_DECIMALS`.

    A line shorter than the last digit is drawn that long: from a point to itself is no line, which a GIS refuses.

    >>> rounded_line(np.array([[20.0, 10.0], [20.000000001, 10.0]])).tolist()
    [[20.0, 10.0], [20.0, 9.99999999]]
    """
    rounded = np.round(points, LINE_DECIMALS)
    if len(rounded) > 1 and (rounded == rounded[0]).all():
        rounded[-1, 1] -= np.copysign(10.0**-LINE_DECIMALS, rounded[-1, 1])  # not eastwards: there the map may end
        rounded = np.round(rounded, LINE_DECIMALS)
    return np.asarray(rounded, np.float64)
