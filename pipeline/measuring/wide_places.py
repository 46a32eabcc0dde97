"""Blobs on a crack, such as a pothole that it leaves: what is across the line there is no width of the crack."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled
from pipeline.measuring.blobs import LEAST_WIDTHS

HALVES, TAIL_PX = 2.0, 4.0
"""How far a profile reaches to either side: this many half widths of the crack there, and as far beyond as a blurred
edge may reach. A place wider than that, taken from the width of the whole crack, is a blob or where the crack
widens."""

MOST_OF_A_CRACK = 0.5
"""A line of which a larger share lies in blobs is no crack with a blob but a blob with a tail: nothing is left out."""

BEYOND_PX = 2.0
"""Added to the radius of a blob: just beside it, profiles across the crack still reach into the blob."""


@compiled()
def in_blobs(
    points: NDArray[np.float64],
    starts: NDArray[np.int64],
    sampled: NDArray[np.int64],
    distance: NDArray[np.float64],
    radius: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """``(N,)``: whether a point of a line lies in a blob, a place too wide for a profile and hardly longer than wide.

    Args:
        points: ``(N, 2)`` px of all lines.
        starts: ``(L + 1,)``.
        sampled: ``(K,)``, numbers of the points whose distance is known, ascending.
        distance: ``(K,)`` px from there to the background.
        radius: ``(L,)`` px, half of each line's width, roughly.
    """
    halves = np.zeros(len(points))
    for line in range(len(radius)):
        first, last = starts[line], starts[line + 1]
        for place in range(np.searchsorted(sampled, first), np.searchsorted(sampled, last)):
            if distance[place] - 0.5 > HALVES * radius[line] + TAIL_PX:
                _mark(halves[first:last], points[first:last], sampled[place] - first, distance[place])
        _leave_stretches(halves[first:last])
    return halves > 0


@compiled()
def _mark(halves: NDArray[np.float64], points: NDArray[np.float64], at: int, half: float) -> None:
    """Put `half` to the points in the disc about point `at`, on both sides up to where the line leaves it."""
    x, y = points[at]
    for on in (-1, 1):
        k = at
        while 0 <= k < len(points) and np.hypot(points[k, 0] - x, points[k, 1] - y) <= half + BEYOND_PX:
            halves[k] = max(halves[k], half)
            k += on


@compiled()
def _leave_stretches(halves: NDArray[np.float64]) -> None:
    """Put 0 to what is longer than a blob: a crack that becomes wide; and to all, where less than half is left."""
    if np.count_nonzero(halves) > MOST_OF_A_CRACK * len(halves):
        halves[:] = 0
    first = 0
    while first < len(halves):
        last = first
        while last < len(halves) and halves[last] > 0:
            last += 1
        if last > first and last - first > LEAST_WIDTHS * 2 * halves[first:last].max():
            halves[first:last] = 0
        first = last + 1
