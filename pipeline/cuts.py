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
    count, labels, stats, _ = cv2.connectedComponentsWithStats(near, connectivity=8)
    pieces: list[Piece] = []
    for label, (left, top, width, height, _) in zip(range(1, count), stats[1:].tolist(), strict=True):
        window = np.s_[top : top + height, left : left + width]
        own = marked[window] & (labels[window] == label)
        amount = np.where(own, crack[window], 0)
        pieces += _cut(own, amount, left, top, least, saving)
    return pieces


def _cut(own: Marked, crack: Crack, x: int, y: int, least: float, saving: float) -> list[Piece]:
    """Boxes of the cells of one window whose upper left corner lies at `x`, `y`."""
    columns, rows = np.flatnonzero(own.any(axis=0)), np.flatnonzero(own.any(axis=1))
    x1, x2, y1, y2 = int(columns[0]), int(columns[-1]) + 1, int(rows[0]), int(rows[-1]) + 1
    own, crack, x, y = own[y1:y2, x1:x2], crack[y1:y2, x1:x2], x + x1, y + y1
    height, width = own.shape
    if own.size - np.count_nonzero(own) >= saving and crack.sum() >= 2 * least:
        saved, at = _best_cut(own, crack, least)
        saved_across, at_across = _best_cut(own.T, crack.T, least)
        if max(saved, saved_across) >= saving:
            if saved >= saved_across:
                return _cut(own[:, :at], crack[:, :at], x, y, least, saving) + _cut(
                    own[:, at:], crack[:, at:], x + at, y, least, saving
                )
            return _cut(own[:at_across], crack[:at_across], x, y, least, saving) + _cut(
                own[at_across:], crack[at_across:], x, y + at_across, least, saving
            )
    return [(x, y, x + width, y + height)]


def _best_cut(own: Marked, crack: Crack, least: float) -> tuple[int, int]:
    """Area that the best cut between two columns leaves out, -1 where none is allowed, and the column it is before."""
    height, width = own.shape
    if width < 2:
        return -1, 0
    held = np.cumsum(crack.sum(axis=0))
    allowed = (held[:-1] >= least) & (held[-1] - held[:-1] >= least)
    if not allowed.any():
        return -1, 0
    rows, columns = np.arange(1, height + 1)[:, None], np.arange(1, width + 1)
    bottom = (own * rows).max(axis=0)  # 0 where a column is empty
    top = height - (own * rows[::-1]).max(axis=0)  # `height` where it is
    filled = bottom > 0
    end = np.maximum.accumulate(filled * columns)
    length = np.maximum.accumulate((filled * columns[::-1])[::-1])[::-1]
    before = (np.maximum.accumulate(bottom) - np.minimum.accumulate(top)) * end
    after = (np.maximum.accumulate(bottom[::-1]) - np.minimum.accumulate(top[::-1]))[::-1] * length
    saved = np.where(allowed, own.size - before[:-1] - after[1:], -1)
    best = int(saved.argmax())
    return int(saved[best]), best + 1
