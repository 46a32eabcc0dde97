"""Where a branch leaves another crack: straight on to that crack's line, past the blob in which the two run together.

Thinning forks late: two bands that part at an angle are one blob for a while, the longer the sharper the angle, and one
line. What a branch runs in there would be counted for the other crack only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled
from pipeline.arrays import Reals
from pipeline.measuring.line_ends import AT_JUNCTION
from pipeline.measuring.lines import NEAR_JUNCTION, Lines

BEYOND, AHEAD = 2, 8
"""A branch's direction is told from so many points beyond the junction's disc on, over so many."""

MOST_DISCS = 3.0
"""A branch is led on by no more than so many times the part of it that lies in the disc."""


def lead_on(lines: Lines, points: Reals) -> Reals:
    """``(N, 2)`` px: `points` of `lines`, those of branches in the discs of their junctions moved.

    A branch at which no other crack runs on stays as it is.
    """
    return _lead_on(_through(lines), points, lines.what, lines.starts, lines.ends)


def _through(lines: Lines) -> NDArray[np.int64]:
    """``(L, 2)``: the point of a crack that runs on through the junction at each end of each line; −1: none does."""
    inner = lines.what == NEAR_JUNCTION
    inner[lines.starts[:-1]] = inner[lines.starts[1:] - 1] = False
    places = lines.points @ np.array([1.0, 1.0j])
    passed = np.flatnonzero(inner)
    passed = np.append(passed[np.argsort(places[passed], kind="stable")], -1)
    ends = places[np.stack([lines.starts[:-1], lines.starts[1:] - 1], 1)]
    found = passed[np.searchsorted(places[passed[:-1]], ends)]
    return np.where((lines.ends == AT_JUNCTION) & (places[found] == ends), found, -1)


@compiled()
def _lead_on(
    through: NDArray[np.int64],
    points: Reals,
    what: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.uint8],
) -> Reals:
    found = points.copy()
    for line in range(len(ends)):
        first, last = starts[line], starts[line + 1] - 1
        for side in range(2):
            if ends[line, side] != AT_JUNCTION:
                continue
            node, on = (first, 1) if side == 0 else (last, -1)
            disc = 0
            while disc < last - first and what[node + on * disc] == NEAR_JUNCTION:
                disc += 1
            if disc < 1 or disc + BEYOND + AHEAD > last - first:
                continue
            foot, tip = node + on * disc, node + on * (disc + BEYOND)
            if through[line, side] < 0:
                continue
            there = _crossed(points, starts, through[line, side], disc + BEYOND)
            length = _way_back(points, there, tip, tip + on * AHEAD)
            if not 0 < length <= MOST_DISCS * (disc + BEYOND):
                continue
            u, v = points[tip] - points[tip + on * AHEAD]
            norm = np.hypot(u, v)
            x, y = points[tip, 0] + length * u / norm, points[tip, 1] + length * v / norm
            for k in range(disc):
                share = k / disc
                found[node + on * k, 0] = x + share * (points[foot, 0] - x)
                found[node + on * k, 1] = y + share * (points[foot, 1] - y)
    return found


@compiled()
def _crossed(points: Reals, starts: NDArray[np.int64], at: int, reach: int) -> tuple[float, float, float, float]:
    """Two places of the crack that runs on through the junction at point `at`, before and after it."""
    line = np.searchsorted(starts, at, "right") - 1
    a, b = max(at - reach, starts[line]), min(at + reach, starts[line + 1] - 1)
    return points[a, 0], points[a, 1], points[b, 0], points[b, 1]


@compiled()
def _way_back(points: Reals, there: tuple[float, float, float, float], tip: int, inner: int) -> float:
    """How far from `tip`, straight on from `inner`, the crack between two places is met, px; −1: never."""
    u, v = points[tip, 0] - points[inner, 0], points[tip, 1] - points[inner, 1]
    norm = np.hypot(u, v)
    p, q = there[2] - there[0], there[3] - there[1]
    turn = u * q - v * p
    if norm < 1e-9 or abs(turn) < 1e-9:
        return -1.0
    x, y = there[0] - points[tip, 0], there[1] - points[tip, 1]
    return float((x * q - y * p) / turn * norm)
