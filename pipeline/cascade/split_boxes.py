"""Where to cut a crack into boxes: wherever that leaves out road, and leaves both boxes sure to hold crack.

Cut at a fixed length, a crack that peters out gives a last box with next to nothing in it: a false one, or a right
one that no threshold can keep. Cut like this, what is faint stays in the box of what is sure beside it.

The loops over cells are compiled by numba: as calls of numpy they took as long as half of the detector.
"""

from __future__ import annotations

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

Marked = NDArray[np.bool_]  # (h, w) of cells
Crack = NDArray[np.float32]  # (h, w), how much crack each cell is expected to hold, cells
Piece = tuple[int, int, int, int]  # x1, y1, x2, y2 in cells, half-open

_NEAR = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


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
    held = np.pad(marked, 1)
    near = cv2.dilate(held.view(np.uint8), _NEAR)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(near, connectivity=8)
    own = np.where(marked, labels[1:-1, 1:-1], 0)
    x, y, width, height = stats[1:, :4].astype(np.int64).T
    whole = np.stack([x, y, x + width - 2, y + height - 2], axis=1)  # `near` is a cell larger on each side
    pieces: list[Piece] = _cut_all(own, crack, whole, float(least), float(saving))
    return pieces


@njit(cache=True, nogil=True)
def _cut_all(
    labels: NDArray[np.int32], crack: NDArray[np.float32], whole: NDArray[np.int64], least: float, saving: float
) -> list[Piece]:
    """Cut components into pieces: those of one component after the other, each from the left or from above.

    Args:
        labels: ``(h, w)``, of marked cells the number of their component from 1, of others 0.
        crack: ``(h, w)``.
        whole: ``(N, 4)`` xyxy, the box of each component.
        least: as `cut_components`.
        saving: likewise.
    """
    pieces = []
    for number in range(1, len(whole) + 1):
        waiting = [(whole[number - 1, 0], whole[number - 1, 1], whole[number - 1, 2], whole[number - 1, 3])]
        while waiting:
            x1, y1, x2, y2 = _tight(labels, number, waiting.pop())
            own, inside = labels[y1:y2, x1:x2] == number, crack[y1:y2, x1:x2]
            upright, column = _best_cut(own, inside, least)
            level, row = _best_cut(own.T, inside.T, least)
            if max(upright, level) < saving:
                pieces.append((x1, y1, x2, y2))
            elif upright >= level:
                waiting += [(x1 + column, y1, x2, y2), (x1, y1, x1 + column, y2)]
            else:
                waiting += [(x1, y1 + row, x2, y2), (x1, y1, x2, y1 + row)]
    return pieces


@njit(cache=True, nogil=True)
def _tight(labels: NDArray[np.int32], number: int, box: Piece) -> Piece:
    """The box of the cells with that number in `box`, of which there is at least one."""
    left, top, right, bottom = box[2], box[3], box[0], box[1]
    for y in range(box[1], box[3]):
        for x in range(box[0], box[2]):
            if labels[y, x] == number:
                left, top, right, bottom = min(left, x), min(top, y), max(right, x + 1), max(bottom, y + 1)
    return left, top, right, bottom


@njit(cache=True, nogil=True)
def _best_cut(own: Marked, crack: Crack, least: float) -> tuple[int, int]:
    """Area that the best cut between two columns leaves out, -1 where none is allowed, and the column after it.

    Args:
        own: ``(h, w)``, some in the first and some in the last column.
        crack: of each; others do not count.
        least: crack that both sides of a cut must hold, cells.
    """
    height, width = own.shape
    top, bottom = np.full(width, height), np.zeros(width, np.int64)
    promised = np.zeros(width)
    for y in range(height):
        for x in range(width):
            if own[y, x]:
                top[x], bottom[x] = min(top[x], y), y + 1
                promised[x] += crack[y, x]
    behind, held_behind = np.zeros(width, np.int64), np.zeros(width)  # by a cut before that column
    low, high, nearest, held = height, 0, width, 0.0
    for x in range(width - 1, 0, -1):
        if bottom[x]:
            low, high, nearest = min(low, top[x]), max(high, bottom[x]), x
        held += promised[x]
        behind[x], held_behind[x] = (high - low) * (width - nearest), held
    best, after = -1, 0
    low, high, held = height, 0, 0.0
    for x in range(width - 1):
        if bottom[x]:
            low, high = min(low, top[x]), max(high, bottom[x])
            held += promised[x]
            saved = height * width - (high - low) * (x + 1) - behind[x + 1]
            if held >= least and held_behind[x + 1] >= least and saved > best:
                best, after = saved, x + 1
    return best, after
