"""Fixes that lie aside for a moment: the way would leave for them and turn back, farther than anything drives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipeline.arrays import Reals
from pipeline.placing.geodesy import bearings, distances
from pipeline.placing.way import STRAY_M

Numbers = NDArray[np.intp]

HARDEST_M_S2 = 10.0
"""No vehicle brakes or speeds up harder."""


def turning_room(before_s: Reals, after_s: Reals) -> Reals:
    """Metres that a vehicle may go, ``(M,)``, to turn back within so many seconds of coming and of leaving."""
    return STRAY_M + HARDEST_M_S2 / 2 * before_s * after_s


def spikes(latitude: Reals, longitude: Reals, room: Callable[[Numbers, Numbers, Numbers], Reals]) -> NDArray[np.bool_]:
    """Which of N fixes lie aside, ``(N,)``: the way turns back there, and both its legs are longer than possible.

    The worst one goes first, since it makes those beside it look wrong.

    Args:
        latitude, longitude: ``(N,)`` degrees, all known.
        room: numbers ``(M,)`` of the fixes before, of those asked about and of those after → metres that each leg may
            have at most where the way turns back, ``(M,)``.
    """
    kept = np.arange(len(latitude))
    while len(kept) > 2:
        _, legs = bearings(latitude[kept], longitude[kept])
        before, at, after = kept[:-2], kept[1:-1], kept[2:]
        across = distances(latitude[before], longitude[before], latitude[after], longitude[after])
        turns_back = legs[:-1] ** 2 + legs[1:] ** 2 > across**2
        excess = np.where(turns_back, np.minimum(legs[:-1], legs[1:]) / room(before, at, after), 0)
        beside = np.maximum(np.append(0, excess[:-1]), np.append(excess[1:], 0))
        worst = (excess > 1) & (excess >= beside)
        if not worst.any():
            break
        kept = np.setdiff1d(kept, at[worst])
    wrong = np.ones(len(latitude), bool)
    wrong[kept] = False
    return wrong
