"""Length of a crack: of its smoothed centre line, prolonged at free ends to where it is half a crack.

Pixel counts are 10–12 % short, and weighted counts do not converge whatever their weights (Coeurjolly and Klette,
TPAMI 26:252, 2004); a smoothed line does. Smoothing shortens what winds: smoothed twice as much and again, a line tells
by how much, and its length is led back to no smoothing (Richardson, Phil. Trans. A 226:299, 1927).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled
from pipeline.arrays import Reals
from pipeline.measuring.kinds import line_sums, steps_within
from pipeline.measuring.line_ends import AT_FRAME, FLATTEST, FREE, beside_frame, to_frame
from pipeline.measuring.lines import Lines, smooth
from pipeline.measuring.width import sample

SIGMA_PX = 1.25
"""Smoothing of the centre line before it is measured: about as much as a mask's pixels are off by."""

CURVED, ROUGH = 4.0, 1.45
"""How many times more a line is shortened by twice the smoothing: 4 where it bends smoothly, 2 at corners, less where
it winds at every scale; below `ROUGH` the extrapolation would run away. With this the length of random walks whose step
is 1.5 to 8 px comes out within 2.5 %, mostly within 1 % (docs/ablations/measuring.md)."""

PIXELS = 0.003
"""Share of its length that a straight line, drawn in pixels, loses when it is smoothed twice as much."""

MOST_LONGER = 1.25

STEP_PX = 0.5
BEFORE, FADED = 4, 0.1
"""Profiles just before an end that say how wide the crack is there; the share of that width at which the crack ends."""

BACK_PX = 6
"""The tangent at an end is taken over this many points."""

AHEAD, AHEAD_AT_FRAME = 4.0, 14.0
"""How far the rest of a crack is looked for, in half widths; at the frame, what is cut at 8 degrees is that long."""

STUB_AHEAD = 1.5
"""The same for a line shorter than half its width, which tells no direction: at a corner a square goes on by √2 of
it."""

NEAR_FRAME_PX = 2.5
"""A trimmed line that lies less than this and half its width from the frame may have been cut by it."""

ON_FRAME_PX = 6.0
"""A crack that touches the frame and would cross it within this many px leaves the picture: a line at 10 degrees that
is a pixel too far from the frame needs that many to reach it."""


def lengthening(lines: Lines) -> Reals:
    """``(L,)``: by what factor each line is longer than it is when smoothed by `SIGMA_PX`; 1 for straight ones."""
    once, twice, again = (_lengths(smooth(lines, times * SIGMA_PX), lines) for times in (1, 2, 4))
    lost = np.maximum(once - twice - PIXELS * once, 0)
    lost_next = np.maximum(twice - again, 0)
    growth = np.clip(lost_next / np.maximum(lost, 1e-9), ROUGH, CURVED)
    return np.minimum(1 + lost / (growth - 1) / np.maximum(once, 1e-9), MOST_LONGER)


def _lengths(points: Reals, lines: Lines) -> Reals:
    steps = steps_within(points, lines.starts)
    return line_sums(np.hypot(steps[:, 0], steps[:, 1]), lines.starts)


def prolong(
    probability: NDArray[np.float32], lines: Lines, smoothed: Reals
) -> tuple[Reals, NDArray[np.int64], NDArray[np.uint8]]:
    """Each line from end to end of its crack; a closed one ends where it begins.

    Args:
        probability: ``(H, W)`` 0–1.
        lines: whose points `smoothed` are.
        smoothed: ``(N, 2)`` px.

    Returns:
        ``(M, 2)`` px, one line after the other, ``(L + 1,)``, where each begins, and ``(L, 2)``, what its ends are:
        as in `lines`, or `AT_FRAME`.
    """
    ends = lines.ends.copy()
    tips = _tips(probability, smoothed, lines.starts, ends, lines.radius)
    tips[lines.closed, 1] = smoothed[lines.starts[:-1][lines.closed]]
    tips[lines.closed, 0] = tips[lines.closed, 1]
    places = np.repeat(lines.starts, 2)[1:-1]  # before the first point, and after the last, of each line
    points = np.insert(smoothed, places, tips.reshape(-1, 2), axis=0)
    return points, lines.starts + 2 * np.arange(len(lines.starts)), ends


@compiled()
def _tips(
    probability: NDArray[np.float32],
    points: Reals,
    starts: NDArray[np.int64],
    ends: NDArray[np.uint8],
    radius: Reals,
) -> Reals:
    """``(L, 2, 2)`` where each line really begins and ends; in `ends`, what ends at the frame becomes `AT_FRAME`."""
    tips = np.zeros((len(radius), 2, 2))
    height, width = probability.shape
    for line in range(len(radius)):
        first, last = starts[line], starts[line + 1] - 1
        back = min(BACK_PX + int(radius[line]), last - first)
        for side in range(2):
            at, inner = (first, first + back) if side == 0 else (last, last - back)
            x, y = points[at]
            u, v = x - points[inner, 0], y - points[inner, 1]
            norm = np.hypot(u, v)
            if norm < 1e-9:
                u, v = (-1.0, 0.0) if side == 0 else (1.0, 0.0)
            else:
                u, v = u / norm, v / norm
            if ends[line, side] == FREE:
                near, reach = beside_frame(x, y, height, width), AHEAD * radius[line] + 4
                if near < radius[line] + NEAR_FRAME_PX:
                    reach = max(AHEAD_AT_FRAME * radius[line], (near + 1) / (2 * FLATTEST)) + 4
                if last - first < radius[line]:
                    reach = min(reach, STUB_AHEAD * radius[line] + 4)
                on = _rest(probability, x, y, u, v, radius[line], min(BEFORE, last - first + 1), reach)
                x, y = x + on * u, y + on * v
                if to_frame(x, y, u, v, height, width) < ON_FRAME_PX and _at_frame(probability, x, y, radius[line] + 1):
                    ends[line, side] = AT_FRAME
                x, y = min(max(x, -0.5), width - 0.5), min(max(y, -0.5), height - 0.5)
            tips[line, side, 0], tips[line, side, 1] = x, y
    return tips


@compiled()
def _at_frame(probability: NDArray[np.float32], x: float, y: float, reach: float) -> bool:
    """Whether there is crack within `reach` of x, y in the outermost pixels of the picture."""
    height, width = probability.shape
    for j in range(max(int(y - reach), 0), min(int(y + reach) + 1, height)):
        for i in range(max(int(x - reach), 0), min(int(x + reach) + 1, width)):
            if (i in (0, width - 1) or j in (0, height - 1)) and probability[j, i] >= 0.5:
                return True
    return False


@compiled()
def _rest(
    probability: NDArray[np.float32],
    x: float,
    y: float,
    u: float,
    v: float,
    radius: float,
    points: int,
    reach: float,
) -> float:
    """How far the crack goes on along u, v: the area of what is left of it within `reach`, by its width just before.

    `points` of the line say how wide it is there. For a straight end this is where the crack is half a crack, also
    where the frame cuts it aslant; a ray would leave a crack that bends.
    """
    before = 0.0
    for k in range(points):
        before += _across(probability, x - k * u, y - k * v, u, v, radius) / points
    if before < 1e-6:
        return 0.0
    total, on = 0.0, 0.5 * STEP_PX
    while on < reach:
        own = _across(probability, x + on * u, y + on * v, u, v, radius)
        if own < FADED * before:
            break
        total += min(own, 1.5 * before) * STEP_PX
        on += STEP_PX
    return min(total / before, reach)


@compiled()
def _across(probability: NDArray[np.float32], x: float, y: float, u: float, v: float, radius: float) -> float:
    """Integral across the direction u, v, as far as this end's own surroundings."""
    reach = int((1.5 * radius + 2) / STEP_PX)
    total = 0.0
    height, width = probability.shape
    for k in range(-reach, reach + 1):
        p, q = x - k * STEP_PX * v, y + k * STEP_PX * u
        if -0.5 <= p <= width - 0.5 and -0.5 <= q <= height - 0.5:
            total += sample(probability, p, q) * STEP_PX
    return total
