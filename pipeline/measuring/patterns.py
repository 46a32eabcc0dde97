"""Pattern (alligator) areas: where cracks are dense and meet often. No pixels here: all in road coordinates.

Closed meshes alone tell nothing: one gap in a mask opens them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.arrays import Reals
from pipeline.measuring.pattern_outlines import outline_areas

DENSITY = 2.5
"""Length of crack in a square, by its side: a crack that passes through has 1 to 1.4, two that cross 2 to 2.8."""

JUNCTIONS = 3
"""Junctions in a square: two cracks that cross have one."""

CELLS = 4
"""Cells along the side of a square: squares are looked at a cell apart."""

LEAST_SQUARES = 0.5
"""Smallest pattern area, in squares: three cracks that cross within a square enclose less."""

LEAST_JUNCTIONS = 6
"""Junctions in an area: two cracks that cross two others have four."""

MOST_CELLS = 1_000_000


class Patterns(NamedTuple):
    """Pattern areas.

    Attributes:
        outlines: of each, ``(M, 2)`` in the unit that came in.
        owner: ``(N,)`` int64, the area that each point lies in; −1: none.
    """

    outlines: list[Reals]
    owner: NDArray[np.int64]


def find_patterns(points: Reals, lengths: Reals, meshed: NDArray[np.bool_], junctions: Reals, side: float) -> Patterns:
    """Look for pattern areas in squares of `side`, a quarter of it apart, wherever else there are cracks.

    Args:
        points: ``(N, 2)`` of all lines; nan: nowhere.
        lengths: ``(N,)`` of crack at each point, in the same unit.
        meshed: ``(N,)``, whether the point's line meets others both before and after it: there alone areas reach.
        junctions: ``(K, 2)``.
        side: of a square.
    """
    nothing = Patterns([], np.full(len(points), -1))
    known = np.asarray(~np.isnan(points).any(axis=1))
    junctions = junctions[~np.isnan(junctions).any(axis=1)]
    if len(junctions) < LEAST_JUNCTIONS or not known.any():
        return nothing
    size = side / CELLS
    cells = np.floor(np.where(known[:, None], points, np.nanmin(points, axis=0)) / size).astype(np.int64)
    corner = cells.min(axis=0) - (CELLS - 1)  # a square may begin before the first point
    columns, rows = (cells.max(axis=0) + CELLS - corner).tolist()
    if rows * columns > MOST_CELLS:
        return nothing
    cells -= corner
    length = _grid(cells, np.where(known, np.nan_to_num(lengths), 0.0), rows, columns)
    meeting = _grid(np.floor(junctions / size).astype(np.int64) - corner, np.ones(len(junctions)), rows, columns)
    dense = (_squares(length) >= DENSITY * side) & (_squares(meeting) >= JUNCTIONS)  # by upper left cell
    held = np.zeros((rows, columns), np.bool_)
    for down in range(CELLS):
        for right in range(CELLS):
            held[down : rows - CELLS + 1 + down, right : columns - CELLS + 1 + right] |= dense
    areas = outline_areas(points, known & meshed & held[cells[:, 1], cells[:, 0]], side)
    met = np.bincount(areas.at(junctions) + 1, minlength=len(areas.outlines) + 1)[1:]
    large = [area_of(outline) >= LEAST_SQUARES * side**2 for outline in areas.outlines]
    kept = np.flatnonzero((met >= LEAST_JUNCTIONS) & np.array(large, np.bool_))
    number = np.full(len(met) + 1, -1)
    number[kept + 1] = np.arange(len(kept))
    return Patterns([areas.outlines[area] for area in kept], number[areas.at(points) + 1])


def area_of(outline: Reals) -> float:
    """Area of an ``(M, 2)`` polygon, in its unit squared."""
    x, y = outline.T
    return float(abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2)


def diameter_of(outline: Reals) -> float:
    """Longest distance between two corners of an ``(M, 2)`` polygon; nan where one of them is nan."""
    return float(np.hypot(*(outline[:, None] - outline[None]).transpose(2, 0, 1)).max())


def _grid(cells: NDArray[np.int64], weights: Reals, rows: int, columns: int) -> Reals:
    cells = np.clip(cells, 0, (columns - 1, rows - 1))
    counts = np.bincount(cells[:, 1] * columns + cells[:, 0], weights, rows * columns)
    return np.asarray(counts, np.float64).reshape(rows, columns)


def _squares(grid: Reals) -> Reals:
    """Sums over squares of cells, by the upper left cell of each."""
    rows, columns = grid.shape[0] - CELLS + 1, grid.shape[1] - CELLS + 1
    tall = np.sum([grid[k : rows + k] for k in range(CELLS)], axis=0)
    return np.asarray(np.sum([tall[:, k : columns + k] for k in range(CELLS)], axis=0))
