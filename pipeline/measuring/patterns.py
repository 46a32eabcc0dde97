"""Pattern (alligator) areas: where cracks are dense and meet often. No pixels here: all in road coordinates.

Closed meshes alone tell nothing: one gap in a mask opens them.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DENSITY = 2.5
"""Length of crack in a square, by its side: a crack that passes through has 1 to 1.4, two that cross 2 to 2.8."""

JUNCTIONS = 3
"""Junctions in a square: two cracks that cross have one."""

OWN_SHARE = 0.5
"""A cell, a quarter of a square, belongs to the area if it holds at least this share of what it would have to."""

LEAST_SQUARES = 1.5
"""Smallest pattern area, in squares."""

MOST_CELLS = 4_000_000
FINE = 4  # grid lines between cell corners when outlines are traced


class Patterns(NamedTuple):
    """Pattern areas.

    Attributes:
        outlines: of each, ``(M, 2)`` in the unit that came in.
        owner: ``(N,)`` int64, the area that each point lies in; −1: none.
    """

    outlines: list[Floats]
    owner: NDArray[np.int64]


def find_patterns(points: Floats, lengths: Floats, junctions: Floats, side: float) -> Patterns:
    """Look for pattern areas in squares of `side`, half a side apart.

    Args:
        points: ``(N, 2)`` of all lines; nan: nowhere.
        lengths: ``(N,)`` of crack at each point, in the same unit.
        junctions: ``(K, 2)``.
        side: of a square.
    """
    nothing = Patterns([], np.full(len(points), -1))
    known = np.asarray(~np.isnan(points).any(axis=1))
    junctions = junctions[~np.isnan(junctions).any(axis=1)]
    if len(junctions) < JUNCTIONS or not known.any():
        return nothing
    half = side / 2
    corner = points[known].min(axis=0) - half
    cells = np.where(known[:, None], (points - corner) / half, 0).astype(np.int64)
    columns, rows = (cells[known].max(axis=0) + 2).tolist()
    if rows * columns > MOST_CELLS:
        return nothing
    length = _grid(cells[known], lengths[known], rows, columns)
    meeting = _grid(((junctions - corner) / half).astype(np.int64), np.ones(len(junctions)), rows, columns)
    dense = (_squares(length) >= DENSITY * side) & (_squares(meeting) >= JUNCTIONS)  # by upper left cell
    held = np.zeros((rows, columns), np.uint8)
    for down in (0, 1):
        for right in (0, 1):
            held[down : rows - 1 + down, right : columns - 1 + right] |= dense
    held &= length >= OWN_SHARE * DENSITY * side / 4  # a square reaches beyond the area at its edges
    count, labels, stats, _ = cv2.connectedComponentsWithStats(held, connectivity=4)
    large = [label for label in range(1, count) if stats[label, cv2.CC_STAT_AREA] >= 4 * LEAST_SQUARES]
    number = np.full(count, -1)
    number[large] = np.arange(len(large))
    outlines = [_outline(labels == label) * half + corner for label in large]
    return Patterns(outlines, np.where(known, number[labels[cells[:, 1], cells[:, 0]]], -1))


def area_of(outline: Floats) -> float:
    """Area of an ``(M, 2)`` polygon, in its unit squared."""
    x, y = outline.T
    return float(abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2)


def diameter_of(outline: Floats) -> float:
    """Longest distance between two corners of an ``(M, 2)`` polygon."""
    return float(np.hypot(*(outline[:, None] - outline[None]).transpose(2, 0, 1)).max())


def _grid(cells: NDArray[np.int64], weights: Floats, rows: int, columns: int) -> Floats:
    cells = np.clip(cells, 0, (columns - 1, rows - 1))
    counts = np.bincount(cells[:, 1] * columns + cells[:, 0], weights, rows * columns)
    return np.asarray(counts, np.float64).reshape(rows, columns)


def _squares(grid: Floats) -> Floats:
    """Sums over two by two cells."""
    return np.asarray(grid[:-1, :-1] + grid[1:, :-1] + grid[:-1, 1:] + grid[1:, 1:])


def _outline(held: NDArray[np.bool_]) -> Floats:
    """Outline of cells, ``(M, 2)`` corners in cells; holes are filled."""
    fine = np.pad(held.astype(np.uint8), 0).repeat(FINE, 0).repeat(FINE, 1)
    contours, _ = cv2.findContours(fine, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    longest = max(contours, key=len).reshape(-1, 2)
    return np.round((longest + 0.5) / FINE).astype(np.float64)
