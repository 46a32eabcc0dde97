"""How far a vehicle got: the way from fix to fix, without what the fixes of a vehicle that stands stray."""

from __future__ import annotations

import numpy as np

from pipeline.arrays import Reals
from pipeline.placing.geodesy import distances

STRAY_M = 5.0
"""Fixes of a vehicle that stands lie so far apart."""

FIRST_LOOK = 64
"""Fixes that are looked at first in search of the next anchor."""


def way_along(latitude: Reals, longitude: Reals) -> Reals:
    """Metres from the first of N fixes, ``(N,)``, never falling.

    The way grows from anchor to anchor. The next anchor is the first fix that lies, with the fix after it, farther
    than `STRAY_M` from the last one. A fix between two anchors lies as far along as it and all those after it have
    left the first behind: while the vehicle stands that is all but nothing.

    Args:
        latitude, longitude: ``(N,)`` degrees, in the order in which they were taken.
    """
    along = np.zeros(len(latitude))
    anchor = 0
    while anchor < len(latitude) - 1:
        metres = _until_next(anchor, latitude, longitude)
        following = slice(anchor + 1, anchor + 1 + len(metres))
        along[following] = along[anchor] + np.minimum.accumulate(metres[::-1])[::-1]
        anchor += len(metres)
    return along


def _until_next(anchor: int, latitude: Reals, longitude: Reals) -> Reals:
    """Metres from the anchor to each fix after it, as far as the next anchor or the last fix."""
    look = FIRST_LOOK
    while True:
        to = slice(anchor + 1, anchor + 1 + look)
        count = len(latitude[to])
        metres = distances(
            np.full(count, latitude[anchor]), np.full(count, longitude[anchor]), latitude[to], longitude[to]
        )
        left = np.flatnonzero((metres[:-1] > STRAY_M) & (metres[1:] > STRAY_M))
        if len(left):
            return metres[: left[0] + 1]
        if anchor + 1 + count == len(latitude):
            return metres
        look *= 2
