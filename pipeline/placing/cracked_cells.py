"""The area with visible cracks: cells of the road that hold crack, each counted once.

A crack has a length and hardly an area. Agencies give it a strip of about a foot; here the road is divided into
squares of 0.3 m, and those that a crack runs through, or that lie in pattern cracking, are cracked.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import shapely

from pipeline.arrays import Reals
from pipeline.placing.lane_zones import in_wheel_path

CELL_M = 0.3

Cells = set[tuple[int, int]]


def cells_along(line: shapely.Geometry, start: float, sense: int) -> Cells:
    """Cells that a line, or several, runs through.

    Args:
        line: m right and ahead of the camera.
        start: where the section begins, m ahead; cells are numbered from there.
        sense: 1 where chainage grows ahead, −1 where it falls.
    """
    found: Cells = set()
    for part in shapely.get_parts(line):
        if part.length > 0:
            steps = np.linspace(0, part.length, max(2, int(np.ceil(part.length / (CELL_M / 6))) + 1))
            found |= _numbers(shapely.get_coordinates(shapely.line_interpolate_point(part, steps)), start, sense)
    return found


def cells_within(area: shapely.Geometry, start: float, sense: int) -> Cells:
    """Cells whose middle lies in an area; arguments as in `cells_along`."""
    left, near, right, far = area.bounds
    x = (np.arange(np.floor(left / CELL_M), np.ceil(right / CELL_M)) + 0.5) * CELL_M
    ends = sorted(sense * (edge - start) for edge in (near, far))
    ahead = start + sense * (np.arange(np.floor(ends[0] / CELL_M), np.ceil(ends[1] / CELL_M)) + 0.5) * CELL_M
    middles = np.stack(np.meshgrid(x, ahead), axis=-1).reshape(-1, 2)
    inside = shapely.contains_xy(area, middles[:, 0], middles[:, 1])
    return _numbers(middles[inside], start, sense)


def split_cells(cells: Iterable[tuple[int, int]], lane_middle: float) -> tuple[float, float]:
    """Area of all cells, and of those in a wheel path, m²."""
    aside = np.array([(number + 0.5) * CELL_M for number, _ in cells]) - lane_middle
    return CELL_M**2 * len(aside), CELL_M**2 * int(in_wheel_path(aside).sum())


def _numbers(points: Reals, start: float, sense: int) -> Cells:
    right = np.floor(points[:, 0] / CELL_M).astype(int)
    ahead = np.floor(sense * (points[:, 1] - start) / CELL_M).astype(int)
    return set(zip(right.tolist(), ahead.tolist(), strict=True))
