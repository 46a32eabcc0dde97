"""Wheel paths and zones of a lane, AASHTO R 85-18: two strips 1.0 m wide, 0.75 m apart, five zones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.arrays import Reals

INNER_M, OUTER_M = 0.375, 1.375
"""Edges of a wheel path, from the middle of the lane."""

ZONES = ("left edge", "left wheel path", "centre", "right wheel path", "right edge")


def zone_of(line: Reals, lane: tuple[float, float]) -> str:
    """Zone that the larger part of a line lies in.

    Args:
        line: ``(N, 2)`` m, right and ahead.
        lane: left and right edge, m.

    >>> zone_of(np.array([[0.9, 0.0], [0.9, 2.0]]), (-1.75, 1.75))
    'right wheel path'
    """
    steps = np.diff(line, axis=0)
    middles, lengths = (line[1:] + line[:-1]) / 2, np.hypot(*steps.T)
    if not len(steps):
        middles, lengths = line, np.ones(len(line))
    aside = middles[:, 0] - sum(lane) / 2
    numbers = np.searchsorted([-OUTER_M, -INNER_M, INNER_M, OUTER_M], aside)
    return ZONES[int(np.argmax(np.bincount(numbers, lengths, minlength=len(ZONES))))]


def in_wheel_path(aside: Reals) -> NDArray[np.bool_]:
    """Which distances from the middle of the lane, m, lie in a wheel path."""
    return (np.abs(aside) >= INNER_M) & (np.abs(aside) < OUTER_M)
