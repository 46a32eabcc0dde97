"""Where to cut a crack into boxes: wherever that leaves out road, and leaves both boxes sure to hold crack.

Cut at a fixed length, a crack that peters out gives a last box with next to nothing in it: a false one, or a right
one that no threshold can keep. Cut like this, what is faint stays in the box of what is sure beside it.
"""

from __future__ import annotations

import cv2
import numpy as np
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
    label = labels[held]
    count, promised = np.bincount(label, minlength=len(stats)), np.bincount(label, crack[marked], len(stats))
    pieces: list[Piece] = []
    for number, (x, y, wider, higher, _) in enumerate(stats[1:].tolist(), start=1):
        width, height = wider - 2, higher - 2  # `near` is a cell larger on each side, and so is `held`
        if width * height - count[number] < saving or promised[number] < 2 * least:
            pieces.append((x, y, x + width, y + height))
            continue
        own = marked[y : y + height, x : x + width] & (labels[y + 1 : y + 1 + height, x + 1 : x + 1 + width] == number)
        pieces += _cut(own, np.where(own, crack[y : y + height, x : x + width], 0), x, y, least, saving)
    return pieces


def _cut(marked: Marked, crack: Crack, x: int, y: int, least: float, saving: float) -> list[Piece]:
    """Boxes of some cells.

    Args:
        marked: ``(h, w)``, at least one of them.
        crack: of each, 0 where not marked.
        x: of the first column.
        y: of the first row.
        least: as `cut_components`.
        saving: likewise.
    """
    columns, rows = (np.flatnonzero(marked.any(axis=axis)) for axis in (0, 1))
    left, right, top, bottom = int(columns[0]), int(columns[-1]) + 1, int(rows[0]), int(rows[-1]) + 1
    marked, crack = marked[top:bottom, left:right], crack[top:bottom, left:right]
    x, y = x + left, y + top
    height, width = marked.shape
    if marked.size - np.count_nonzero(marked) >= saving and crack.sum() >= 2 * least:
        upright = _best_cut(columns - left, marked, crack, least)
        level = _best_cut(rows - top, marked.T, crack.T, least)
        if max(upright, level)[0] >= saving:
            if upright[0] >= level[0]:
                end = upright[1]
                halves = (marked[:, :end], crack[:, :end], x, y), (marked[:, end:], crack[:, end:], x + end, y)
            else:
                end = level[1]
                halves = (marked[:end], crack[:end], x, y), (marked[end:], crack[end:], x, y + end)
            return [piece for half in halves for piece in _cut(*half, least, saving)]
    return [(x, y, x + width, y + height)]


def _best_cut(columns: NDArray[np.intp], marked: Marked, crack: Crack, least: float) -> tuple[int, int]:
    """Area that the best cut between two columns leaves out, -1 where none is allowed, and the column after it.

    Args:
        columns: those with a marked cell, the first and the last among them.
        marked: ``(h, w)``.
        crack: of each, 0 where not marked.
        least: crack that both sides of a cut must hold, cells.
    """
    held = np.cumsum(crack.sum(axis=0)[columns])
    allowed = (held[:-1] >= least) & (held[-1] - held[:-1] >= least)
    if not allowed.any():
        return -1, 0
    first = marked.argmax(axis=0)[columns]
    end = len(marked) - marked[::-1].argmax(axis=0)[columns]
    before = np.maximum.accumulate(end) - np.minimum.accumulate(first)
    behind = np.maximum.accumulate(end[::-1])[::-1] - np.minimum.accumulate(first[::-1])[::-1]
    kept = before[:-1] * (columns[:-1] + 1) + behind[1:] * (marked.shape[1] - columns[1:])
    saved = np.where(allowed, marked.size - kept, -1)
    best = int(saved.argmax())
    return int(saved[best]), int(columns[best]) + 1
