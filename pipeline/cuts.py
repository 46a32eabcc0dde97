"""Where to cut a crack into boxes: wherever that leaves out road, and leaves both boxes sure to hold crack.

Cut at a fixed length, a crack that peters out gives a last box with next to nothing in it: a false one, or a right
one that no threshold can keep. Cut like this, what is faint stays in the box of what is sure beside it.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Marked = NDArray[np.bool_]  # (h, w) of cells
Crack = NDArray[np.float32]  # how much crack each cell is expected to hold, cells
Sorted = tuple[NDArray[np.int64], NDArray[np.int64]]  # cells (2, N), x and y: sorted by x, sorted by y

_NEAR = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


Piece = tuple[int, int, int, int]  # x1, y1, x2, y2 in cells, half-open


def cut_components(marked: Marked, crack: Crack, least: float, saving: float) -> list[Piece]:
    """Cut each component of marked cells into tight boxes, as long as a cut pays.

    Cells with at most two cells between them belong together. Of a box, the cut that leaves out most is made first.

    Args:
        marked: ``(h, w)`` of cells, to be held by boxes.
        crack: 0 where not marked.
        least: crack that both sides of a cut must hold, cells.
        saving: area that a cut must leave out, cells.

    >>> corner = np.zeros((8, 8), bool); corner[0] = corner[:, 0] = True
    >>> cut_components(corner, corner.astype(np.float32), least=4, saving=8)
    [(0, 0, 1, 8), (1, 0, 8, 1)]
    """
    if not marked.any():
        return []
    near = cv2.dilate(marked.view(np.uint8), _NEAR)
    count, labels = cv2.connectedComponents(near, connectivity=8)
    ys, xs = np.nonzero(marked)
    order = np.argsort(labels[ys, xs], kind="stable")
    ys, xs = ys[order], xs[order]
    ends = np.searchsorted(labels[ys, xs], np.arange(1, count + 1))
    pieces: list[Piece] = []
    for own_x, own_y in zip(np.split(xs, ends)[1:-1], np.split(ys, ends)[1:-1], strict=True):
        cells = np.stack([own_x, own_y])
        amount = crack[own_y, own_x]
        by = np.argsort(own_x, kind="stable"), np.argsort(own_y, kind="stable")
        pieces += _cut((cells[:, by[0]], cells[:, by[1]]), (amount[by[0]], amount[by[1]]), least, saving)
    return pieces


def _cut(cells: Sorted, crack: tuple[Crack, Crack], least: float, saving: float) -> list[Piece]:
    """Boxes of some cells.

    Args:
        cells: ``(2, N)`` x and y of each cell, sorted by x and sorted by y.
        crack: ``(N,)`` of each cell, in both orders.
        least: as `cut_components`.
        saving: likewise.
    """
    x1, x2 = int(cells[0][0, 0]), int(cells[0][0, -1]) + 1
    y1, y2 = int(cells[1][1, 0]), int(cells[1][1, -1]) + 1
    area = (x2 - x1) * (y2 - y1)
    if area - len(crack[0]) >= saving and crack[0].sum() >= 2 * least:
        saved, after = zip(
            *(_best_cut(cells[a][a], cells[a][1 - a], crack[a], area, least) for a in (0, 1)), strict=True
        )
        axis = 0 if saved[0] >= saved[1] else 1
        if saved[axis] >= saving:
            end = cells[axis][axis, after[axis]]
            first = cells[0][axis] <= end, cells[1][axis] <= end
            return [
                piece
                for half in (first, (~first[0], ~first[1]))
                for piece in _cut(
                    (cells[0][:, half[0]], cells[1][:, half[1]]), (crack[0][half[0]], crack[1][half[1]]), least, saving
                )
            ]
    return [(x1, y1, x2, y2)]


def _best_cut(
    along: NDArray[np.int64], across: NDArray[np.int64], crack: Crack, area: int, least: float
) -> tuple[int, int]:
    """Area that the best cut across leaves out, -1 where none is allowed, and the last cell before it.

    Args:
        along: ``(N,)`` rising coordinates of the cells in the direction that is cut.
        across: the other coordinate of each.
        crack: of each.
        area: of the box around all, cells.
        least: crack that both sides of a cut must hold, cells.
    """
    held = np.cumsum(crack)
    allowed = (along[1:] > along[:-1]) & (held[:-1] >= least) & (held[-1] - held[:-1] >= least)
    if not allowed.any():
        return -1, 0
    before = np.maximum.accumulate(across) - np.minimum.accumulate(across) + 1
    backwards = across[::-1]
    behind = (np.maximum.accumulate(backwards) - np.minimum.accumulate(backwards) + 1)[::-1]
    kept = before[:-1] * (along[:-1] - along[0] + 1) + behind[1:] * (along[-1] + 1 - along[1:])
    saved = np.where(allowed, area - kept, -1)
    best = int(saved.argmax())
    return int(saved[best]), best
