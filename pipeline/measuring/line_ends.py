"""Free ends of centre lines, in the picture and at its frame: what is trimmed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled

LEFT = 8
"""At least this many points of a line are left, so that it has a direction."""

ASIDE_PX = 1.25
"""A line that is farther from the frame than half its width (which is known roughly) and this is not bent by it."""

FLATTEST, MOST_OF = 0.05, 0.6
"""An end that does not move away from the frame by the first share of its length, over the second share of it, runs
along the frame; thinning halves the angle between the two."""

BENT, STRAIGHT_PX = 1.75, 4.0
"""Thinning turns off towards a corner of a blunt end this many half widths before it; only what half the width exceeds
`STRAIGHT_PX` by counts. Thinner cracks have hardly any corners, and where they wind, trimming would lose length."""

FREE, AT_JUNCTION, AT_FRAME, AT_AREA = 0, 1, 2, 3
"""What the end of a line is."""

Cut = tuple[
    NDArray[np.float64], NDArray[np.uint8], NDArray[np.int64], NDArray[np.uint8], NDArray[np.bool_], NDArray[np.int64]
]
"""The fields of `pipeline.measuring.lines.Lines` up to `fragments`."""


@compiled()
def trim(
    points: NDArray[np.float64],
    what: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.uint8],
    closed: NDArray[np.bool_],
    fragments: NDArray[np.int64],
    radius: NDArray[np.float64],
    height: int,
    width: int,
) -> Cut:
    """Take off free ends what thinning bends, half the width or more, and what the frame cuts away from one side."""
    kept = np.ones(len(points), np.bool_)
    begins = np.zeros_like(starts)
    for line in range(len(closed)):
        a, b = starts[line], starts[line + 1]
        if not closed[line]:
            less = min(_bent(radius[line]), (b - a - 1) // 3)
            free_a, free_b = ends[line, 0] == FREE, ends[line, 1] == FREE
            if free_a:
                most = max(b - a - LEFT - less, less)
                less_a = max(less, _cut_aslant(points[a:b], radius[line], most, height, width))
                kept[a : a + less_a] = False
            if free_b:
                most = max(kept[a:b].sum() - LEFT, less)
                less_b = max(less, _cut_aslant(points[a:b][::-1], radius[line], most, height, width))
                kept[b - less_b : b] = False
        begins[line + 1] = begins[line] + kept[a:b].sum()
    return points[kept], what[kept], begins, ends, closed, fragments


@compiled()
def _bent(radius: float) -> int:
    """How many points at a free end thinning bends, by half the width of the crack, px."""
    return round(radius + (BENT - 1.0) * max(radius - STRAIGHT_PX, 0.0))


@compiled()
def _cut_aslant(points: NDArray[np.float64], radius: float, most: int, height: int, width: int) -> int:
    """How many of the first points lie so near to the frame that it cuts the crack there, but not along it."""
    first, count = beside_frame(points[0, 0], points[0, 1], height, width), 0
    while count < most:
        if beside_frame(points[count, 0], points[count, 1], height, width) >= radius + ASIDE_PX:
            break
        count += 1
    on = int(MOST_OF * count)  # what leaves the frame aslant goes away from it all along, not only where it is cut off
    away = beside_frame(points[on, 0], points[on, 1], height, width) - first
    return count if away >= FLATTEST * on else 0


@compiled()
def beside_frame(x: float, y: float, height: int, width: int) -> float:
    """Shortest distance from x, y to the outer edge of the frame, px."""
    return min(x + 0.5, width - 0.5 - x, y + 0.5, height - 0.5 - y)


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
