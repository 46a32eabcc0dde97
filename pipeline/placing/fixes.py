"""Which fixes of photographs are wrong, and where those photographs were instead."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.arrays import Reals
from pipeline.placing.flags import Flags
from pipeline.placing.geodesy import bearings
from pipeline.placing.spikes import Numbers, spikes, turning_room
from pipeline.placing.track import MOST_METRES, MOST_SECONDS

FASTEST_M_S = 70.0
"""No vehicle gets from one photograph to the next faster than this (250 km/h): one of both fixes is wrong."""

JUMP_M, JUMP_STEPS = 50.0, 10.0
"""A step longer than this, and than so many usual ones, is a jump."""

LEAST_STEP_M = 0.5
"""A vehicle that goes on goes farther than this from photograph to photograph."""


def refuse_fixes(latitude: Reals, longitude: Reals, seconds: Reals, chainage: Reals, flags: Flags) -> NDArray[np.bool_]:
    """Take wrong fixes out, in place, and say so; a jump without return is only told: either side may be wrong.

    Args:
        latitude, longitude: ``(N,)`` degrees, nan where not told.
        seconds, chainage: ``(N,)`` s and m, nan where not told.
        flags: of the photographs.

    Returns:
        Those taken out because they lie aside of the fixes around them, ``(N,)``.
    """
    with np.errstate(invalid="ignore"):
        off = (np.abs(latitude) > 90) | (np.abs(longitude) > 180)
    flags.add(off, "fix off the globe")
    nothing = (latitude == 0) & (longitude == 0)  # what receivers write before they know better
    flags.add(nothing, "fix at 0, 0")
    latitude[off | nothing] = longitude[off | nothing] = np.nan
    known = np.flatnonzero(np.isfinite(latitude) & np.isfinite(longitude))
    aside = np.zeros(len(latitude), bool)
    aside[known] = _aside(latitude[known], longitude[known], seconds[known], chainage[known])
    latitude[aside] = longitude[aside] = np.nan
    known = known[~aside[known]]
    _, metres = bearings(latitude[known], longitude[known])
    jumps = aside.copy()
    jumps[known[1:][_too_far(metres, np.diff(seconds[known]), np.abs(np.diff(chainage[known])))]] = True
    flags.add(jumps, "fix jumps")
    return aside


def between_fixes(
    wanted: NDArray[np.bool_], latitude: Reals, longitude: Reals, seconds: Reals, chainage: Reals
) -> NDArray[np.bool_]:
    """Put photographs between the fixes around them, by time or else by chainage, in place; which could be, ``(N,)``.

    Nothing is guessed between fixes that lie farther apart than those of a track may.
    """
    put = np.zeros(len(latitude), bool)
    known = np.flatnonzero(np.isfinite(latitude))
    for at in np.flatnonzero(wanted):
        after = int(np.searchsorted(known, at))
        if not 0 < after < len(known):
            continue
        ends = known[[after - 1, after]]
        _, (apart,) = bearings(latitude[ends], longitude[ends])
        order = seconds if np.isfinite(seconds[[at, *ends]]).all() else chainage
        whole = order[ends[1]] - order[ends[0]]
        share = (order[at] - order[ends[0]]) / whole if whole else np.nan
        late = order is seconds and whole > MOST_SECONDS
        if not 0 <= share <= 1 or late or apart > MOST_METRES or abs(np.diff(longitude[ends])[0]) > 180:
            continue
        for place in (latitude, longitude):  # so near to each other that degrees are as straight as the road
            place[at] = place[ends[0]] + share * (place[ends[1]] - place[ends[0]])
        put[at] = True
    return put


def usual_step(steps: Reals) -> float:
    """The step from photograph to photograph that most have, m; 0 where none goes on.

    It is the lower quartile: each wrong place makes two wrong steps.
    """
    driven = steps[steps >= LEAST_STEP_M]
    return float(np.percentile(driven, 25, method="lower")) if len(driven) else 0.0


def _aside(latitude: Reals, longitude: Reals, seconds: Reals, chainage: Reals) -> NDArray[np.bool_]:
    usual = usual_step(bearings(latitude, longitude)[1])

    def room(before: Numbers, at: Numbers, after: Numbers) -> Reals:
        timed = turning_room(seconds[at] - seconds[before], seconds[after] - seconds[at])
        along = MOST_METRES + np.abs(chainage[at] - chainage[before]) + np.abs(chainage[after] - chainage[at])
        told = np.where(np.isfinite(along), along, max(JUMP_M, JUMP_STEPS * usual))
        return np.where(np.isfinite(timed), timed, told)

    return spikes(latitude, longitude, room)


def _too_far(metres: Reals, took: Reals, along: Reals) -> NDArray[np.bool_]:
    """Steps that no vehicle makes in that time, or that are longer than the road between both photographs."""
    fast = (metres > MOST_METRES) & (took >= 0) & (metres > FASTEST_M_S * took)
    astray = metres > MOST_METRES + 2 * along
    untold = np.isnan(took) & np.isnan(along)
    return fast | astray | (untold & (metres > max(JUMP_M, JUMP_STEPS * usual_step(metres))))
