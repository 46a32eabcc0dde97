"""Lines with points where they cross a straight edge."""

from __future__ import annotations

import numpy as np

from pipeline.arrays import Reals


def cut_at(line: Reals, value: float, side: int) -> Reals:
    """A line ``(N, 2)`` with one more point wherever its coordinate `side` passes through a finite value."""
    over = line[:, side] - value
    crossing = np.flatnonzero(over[:-1] * over[1:] < 0)
    if not np.isfinite(value) or not len(crossing):
        return line
    share = (over[crossing] / (over[crossing] - over[crossing + 1]))[:, None]
    points = line[crossing] + share * (line[crossing + 1] - line[crossing])
    return np.insert(line, crossing + 1, points, axis=0)
