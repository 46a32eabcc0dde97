"""Centre lines at the frame and at their free ends: what is cut off, and what is trimmed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled

FREE, AT_JUNCTION, AT_FRAME, AT_AREA = 0, 1, 2, 3
"""What the end of a line is."""

Cut = tuple[
    NDArray[np.float64], NDArray[np.uint8], NDArray[np.int64], NDArray[np.uint8], NDArray[np.bool_], NDArray[np.int64]
]
"""The fields of `pipeline.measuring.lines.Lines` up to `fragments`."""


@compiled()
def cut_at_frame(
    points: NDArray[np.float64],
    what: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.uint8],
    closed: NDArray[np.bool_],
    fragments: NDArray[np.int64],
    height: int,
    width: int,
) -> Cut:
    """Cut ends that run out of the frame; what runs along its edge is moved onto it; what vanishes so is left out."""
    found, kinds, begins = np.zeros_like(points), np.zeros_like(what), np.zeros_like(starts)
    new_ends, kept = ends.copy(), np.zeros(len(closed), np.bool_)
    size, lines = 0, 0
    for line in range(len(closed)):
        a, b = starts[line], starts[line + 1] - 1
        whole_a, whole_b = a, b
        while a <= b and not _inside(points[a], height, width):
            a += 1
        while b > a and not _inside(points[b], height, width):
            b -= 1
        alone = ends[line, 0] == FREE and ends[line, 1] == FREE
        if a > b or (b - a < 2 and whole_b - whole_a > 2 * (b - a) + 8 and alone):
            a, b = whole_a, whole_b  # it lies along the edge, its middle beyond
        first = size
        for i in range(a, b + 1):
            x, y = min(max(points[i, 0], 0), width - 1), min(max(points[i, 1], 0), height - 1)
            if size == first or abs(found[size - 1, 0] - x) + abs(found[size - 1, 1] - y) > 1e-9:
                found[size, 0], found[size, 1], kinds[size] = x, y, what[i]
                size += 1
        if size - first < 2 and not alone:
            size = first
            continue
        for side, moved in ((0, a > whole_a), (1, b < whole_b)):
            new_ends[line, side] = AT_FRAME if moved else ends[line, side]
        kept[line] = True
        lines += 1
        begins[lines] = size
    return found[:size], kinds[:size], begins[: lines + 1], new_ends[kept], closed[kept], fragments[kept]


@compiled()
def _inside(point: NDArray[np.float64], height: int, width: int) -> bool:
    return bool(0 <= point[0] <= width - 1 and 0 <= point[1] <= height - 1)


@compiled()
def trim(
    points: NDArray[np.float64],
    what: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.uint8],
    closed: NDArray[np.bool_],
    fragments: NDArray[np.int64],
    radius: NDArray[np.float64],
) -> Cut:
    """Take half the width, a third of the points at most, off free ends."""
    kept = np.ones(len(points), np.bool_)
    begins = np.zeros_like(starts)
    for line in range(len(closed)):
        a, b = starts[line], starts[line + 1]
        if not closed[line]:
            less = min(round(radius[line]), (b - a - 1) // 3)
            if ends[line, 0] == FREE:
                kept[a : a + less] = False
            if ends[line, 1] == FREE:
                kept[b - less : b] = False
        begins[line + 1] = begins[line] + kept[a:b].sum()
    return points[kept], what[kept], begins, ends, closed, fragments


@compiled()
def to_frame(x: float, y: float, u: float, v: float, height: int, width: int) -> float:
    """How far it is from x, y along the unit vector u, v to the outer edge of the frame, px."""
    on = np.inf
    if u > 0:
        on = min(on, (width - 0.5 - x) / u)
    if u < 0:
        on = min(on, (-0.5 - x) / u)
    if v > 0:
        on = min(on, (height - 0.5 - y) / v)
    if v < 0:
        on = min(on, (-0.5 - y) / v)
    return max(on, 0.0)
