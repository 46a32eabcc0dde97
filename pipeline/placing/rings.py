"""Areas as flat lists of points: their edges one after the other, each a ring that ends where it began."""

from __future__ import annotations

from pipeline.arrays import Reals


def rings_in(points: Reals) -> list[Reals]:
    """Rings that stand one after the other in ``(N, 2)`` points; points after the last of them are one more line.

    >>> import numpy as np
    >>> [len(ring) for ring in rings_in(np.array([(0, 0), (1, 0), (0, 1), (0, 0), (5, 5), (6, 5), (5, 6), (5, 5.0)]))]
    [4, 4]
    """
    rings, start = [], 0
    while start < len(points):
        back = (points[start + 1 :] == points[start]).all(axis=1).nonzero()[0]
        end = start + 2 + int(back[0]) if len(back) else len(points)
        rings.append(points[start:end])
        start = end
    return rings
