"""Width of a crack: the probability integrated along the normals of its smoothed centre line, the equivalent width.

The middle of the same profile is where the crack runs, more exactly than thinning tells, which knows whole pixels. A
blurred crack holds as much crack as a sharp one, so the integral across it is its width whatever the blur: mean
errors of 0.01–0.07 px where twice the distance transform is 0.1–1 px off and area by length 0.1–1 px
(docs/ablations/measuring.md).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled
from pipeline.arrays import Mask, Reals
from pipeline.measuring.centre_pixels import distances
from pipeline.measuring.line_ends import to_frame
from pipeline.measuring.lines import PLAIN, RADIUS_EVERY, Lines, smooth
from pipeline.measuring.wide_places import HALVES, TAIL_PX

SIGMA_PX = 2.0
"""Smoothing of the centre line before normals are taken."""

STEP_PX = 0.5
"""Between samples across the crack."""

MOST_BESIDE_PX = 1.5
"""A thinned line is not farther from the crack's middle: a profile that says so has seen something else."""

RISE = 0.05
"""Probability that rises again by this much, outside, belongs to a neighbour."""

ROUNDED_PX = 0.41
"""Standard error of the width of a band along an axis, drawn in whole pixels: of a width of n + f, f of the places give
n + 1 and the others n, which is off by √(f (1 − f)), √(1/6) over all f."""


class Profiles(NamedTuple):
    """The crack across each point of its line.

    Attributes:
        widths: ``(N,)`` px, nan in gaps, at junctions and in blobs.
        cut: ``(N,)`` bool, where the frame cuts the profile off.
        middles: ``(N, 2)`` px, where half of the crack lies on either side; where no profile tells, the line's point.
    """

    widths: Reals
    cut: NDArray[np.bool_]
    middles: Reals


def profiles(probability: NDArray[np.float32], mask: Mask, lines: Lines, level: float) -> Profiles:
    """Look across each point of `lines`.

    Args:
        probability: ``(H, W)`` 0–1.
        mask: ``(H, W)`` bool, what of it is crack.
        lines: unsmoothed.
        level: probability from which a pixel is crack.
    """
    smoothed = smooth(lines, SIGMA_PX)
    tangents = directions(smoothed, lines.starts, lines.closed)
    found, beside, cut = _profiles(probability, _halves(mask, lines), smoothed, tangents, level)
    normals = np.stack([-tangents[:, 1], tangents[:, 0]], 1)
    told = (lines.what == PLAIN) & ~cut & (np.abs(beside) <= MOST_BESIDE_PX)
    middles = np.where(told[:, None], smoothed + beside[:, None] * normals, lines.points)
    return Profiles(np.where(lines.what == PLAIN, found, np.nan), cut, middles)


def _halves(mask: Mask, lines: Lines) -> Reals:
    """``(N,)`` px, half of the width at each point, roughly: of a crack that becomes wide more than of its line."""
    index, line = np.arange(len(lines.points)), np.repeat(np.arange(len(lines.closed)), np.diff(lines.starts))
    sampled, of = np.unique(np.maximum(index - index % RADIUS_EVERY, lines.starts[line]), return_inverse=True)
    near = distances(np.ascontiguousarray(mask).view(np.uint8), lines.points[sampled])
    return np.maximum(near[of] - 0.5, lines.radius[line])


def rounding(points: Reals) -> float:
    """Standard error of a line's mean width, px, from a mask's pixels being whole.

    All profiles across a band along an axis or a diagonal are off by the same, and agree. Each pixel that the line
    wanders to the side gives them other roundings.

    Args:
        points: ``(M, 2)`` px of the line, smoothed.
    """
    wander = np.ptp(points @ np.array([[1.0, 0.0, 1.0, 1.0], [0.0, 1.0, 1.0, -1.0]]), axis=0)  # in rows of pixels
    apart = np.array([1.0, 1.0, np.sqrt(0.5), np.sqrt(0.5)])  # the rows, px
    return float((ROUNDED_PX * apart / (1 + 2 * wander)).max())


def directions(points: Reals, starts: NDArray[np.int64], closed: NDArray[np.bool_]) -> Reals:
    """``(N, 2)`` unit tangents of lines at their points, from the neighbours of each; (1, 0) for a dot."""
    found = stretches(points, starts, closed)
    return np.asarray(found / np.hypot(*found.T)[:, None])


def stretches(points: Reals, starts: NDArray[np.int64], closed: NDArray[np.bool_]) -> Reals:
    """``(N, 2)`` px, the piece of its line that each point stands for: half of the way between its neighbours, at an
    end the whole way to the only one; (1, 0) for a dot.
    """
    index = np.arange(len(points))
    line = np.repeat(np.arange(len(closed)), np.diff(starts))
    after, before = index + 1, index - 1
    last, first = starts[1:][line] - 1, starts[:-1][line]
    after = np.where(index == last, np.where(closed[line], first, index), after)
    before = np.where(index == first, np.where(closed[line], last, index), before)
    found = (points[after] - points[before]) / np.maximum((after != index) + 1 * (before != index), 1)[:, None]
    return np.where(np.hypot(*found.T)[:, None] > 1e-9, found, (1.0, 0.0))


@compiled()
def _profiles(
    probability: NDArray[np.float32],
    halves: Reals,
    points: Reals,
    tangents: Reals,
    level: float,
) -> tuple[Reals, Reals, NDArray[np.bool_]]:
    """Width, how far the middle lies to the right of the line, and whether the frame cuts it off; each ``(N,)``."""
    found, beside, cut = np.zeros(len(points)), np.zeros(len(points)), np.zeros(len(points), np.bool_)
    for i in range(len(points)):
        x, y = points[i]
        reach = HALVES * halves[i] + TAIL_PX
        right_x, right_y = -tangents[i, 1], tangents[i, 0]
        total, moment = sample(probability, x, y), 0.0
        for side in (-1.0, 1.0):
            half, lever, open_end = _half(probability, x, y, side * right_x, side * right_y, reach, level)
            total += half
            moment += side * lever
            cut[i] |= open_end
        found[i] = total * STEP_PX
        beside[i] = moment / total if total > 0 else 0.0
    return found, beside, cut


@compiled()
def _half(
    probability: NDArray[np.float32], x: float, y: float, across_x: float, across_y: float, reach: float, level: float
) -> tuple[float, float, bool]:
    """Sum of the samples on one side of the line, up to the edge of its surroundings; the same, each by its distance
    from the line, px; and whether the frame cuts it.
    """
    total, lever, lowest, outside = 0.0, 0.0, np.inf, False
    edge = to_frame(x, y, across_x, across_y, probability.shape[0], probability.shape[1])
    for k in range(1, int(reach / STEP_PX) + 1):
        seen = min((edge - k * STEP_PX) / STEP_PX + 0.5, 1.0)  # of the stretch that the sample stands for
        if seen <= 0:
            return total, lever, not outside
        value = sample(probability, x + k * STEP_PX * across_x, y + k * STEP_PX * across_y)
        outside = outside or value < 0.5 * level
        if outside:
            if value > lowest + RISE or value < 0.01:
                break
            lowest = min(lowest, value)
        total += seen * value
        lever += seen * value * k * STEP_PX
    return total, lever, False


@compiled()
def sample(probability: NDArray[np.float32], x: float, y: float) -> float:
    """Bilinear value at x, y; positions beyond the frame take its nearest pixel."""
    height, width = probability.shape
    x, y = min(max(x, 0.0), width - 1.0), min(max(y, 0.0), height - 1.0)
    i, j = int(x), int(y)
    k, m = min(i + 1, width - 1), min(j + 1, height - 1)
    a, b = x - i, y - j
    upper = probability[j, i] * (1 - a) + probability[j, k] * a
    lower = probability[m, i] * (1 - a) + probability[m, k] * a
    return float(upper * (1 - b) + lower * b)
