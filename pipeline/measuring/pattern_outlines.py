"""Outlines of pattern areas: they run along the outermost lines and end where these do."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.arrays import Reals

FINE = 16
"""Pixels of the grid that areas are drawn on, in the side of a square. The grid lies still, whatever the lines are."""

CLOSED = 4
"""Gaps of up to twice so many of these pixels, half the side of a square, are closed: meshes that are open."""

TOLERANCE = 0.25
"""Corners that lie no farther off than this, in these pixels, are left out."""


class Areas(NamedTuple):
    """Areas that lines fill.

    Attributes:
        outlines: of each, ``(M, 2)`` in the unit of the lines.
        labels: ``(H, W)`` int64, the area that each pixel of the grid lies in; −1: none.
        corner: ``(2,)`` int64, x, y of its first pixel.
        pixel: its side, in the unit of the lines.
    """

    outlines: list[Reals]
    labels: NDArray[np.int64]
    corner: NDArray[np.int64]
    pixel: float

    def at(self, points: Reals) -> NDArray[np.int64]:
        """``(N,)``: the area that each of ``(N, 2)`` points lies in; −1: none."""
        shape = np.array(self.labels.shape[::-1])
        there = np.asarray(np.isfinite(points).all(axis=1))
        cells = np.floor(np.where(there[:, None], points, 0.0) / self.pixel).astype(np.int64) - self.corner
        there &= ((cells >= 0) & (cells < shape)).all(axis=1)
        cells = np.where(there[:, None], cells, 0)
        return np.where(there, self.labels[cells[:, 1], cells[:, 0]], -1)


def outline_areas(points: Reals, drawn: NDArray[np.bool_], side: float) -> Areas:
    """What lines fill: open meshes are closed, and what is as thin as a line is left out.

    Args:
        points: ``(N, 2)`` of all lines.
        drawn: ``(N,)``, which of them count.
        side: of the squares that patterns are looked for in.
    """
    pixel, points = side / FINE, points[drawn]
    if not len(points):
        return Areas([], np.full((1, 1), -1), np.zeros(2, np.int64), pixel)
    cells = np.floor(points / pixel).astype(np.int64)
    corner = cells.min(axis=0) - CLOSED - 1  # so that closing is not cut off
    cells -= corner
    columns, rows = (cells.max(axis=0) + CLOSED + 2).tolist()
    grid = np.zeros((rows, columns), np.uint8)
    grid[cells[:, 1], cells[:, 0]] = 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * CLOSED + 1, 2 * CLOSED + 1))
    grid = cv2.morphologyEx(grid, cv2.MORPH_CLOSE, disc)
    contours, _ = cv2.findContours(grid, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    cv2.drawContours(grid, contours, -1, 1, cv2.FILLED)
    grid = cv2.morphologyEx(grid, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3)))
    count, labels = cv2.connectedComponents(grid, connectivity=4)
    beside = _beside(points / pixel - corner, cells, rows, columns)
    outlines = [(_outline(labels == label, beside) + corner) * pixel for label in range(1, count)]
    return Areas(outlines, labels.astype(np.int64) - 1, corner, pixel)


def _beside(points: Reals, cells: NDArray[np.int64], rows: int, columns: int) -> Reals:
    """``(H, W, 2)``: where in each pixel its points lie on average, 0–1; nan where there are none."""
    at = cells[:, 1] * columns + cells[:, 0]
    count = np.bincount(at, minlength=rows * columns)
    sums = np.stack([np.bincount(at, points[:, axis] - cells[:, axis], rows * columns) for axis in (0, 1)], 1)
    with np.errstate(invalid="ignore"):
        return np.asarray((sums / count[:, None]).reshape(rows, columns, 2))


def _outline(area: NDArray[np.bool_], beside: Reals) -> Reals:
    """Outline of one area, ``(M, 2)`` in pixels: along the lines at its edge, and straight between them."""
    contours, _ = cv2.findContours(area.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cells = max(contours, key=len).reshape(-1, 2)
    offsets = beside[cells[:, 1], cells[:, 0]]
    known = np.flatnonzero(~np.isnan(offsets[:, 0]))
    if not len(known):
        return np.asarray(cells + 0.5)
    every = np.arange(len(cells))
    path = cells + np.stack([np.interp(every, known, offsets[known, axis], period=len(cells)) for axis in (0, 1)], 1)
    corners = cv2.approxPolyDP(path.astype(np.float32), TOLERANCE, True)
    return np.asarray(corners, np.float64).reshape(-1, 2)
