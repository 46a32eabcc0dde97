"""Where to split a box around a crack: wherever that leaves out road, and leaves both parts sure to hold crack.

Split at a fixed length, a crack that peters out gives a last box with next to nothing in it: a false one, or a right
one that no threshold can keep. Split like this, what is faint stays in the box of what is sure beside it.

The loops over pixels are compiled by numba: as calls of numpy they took as long as half of the detector.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled

Held = NDArray[np.bool_]  # (h, w), pixels of the coarse mask that boxes must hold
Mass = NDArray[np.float32]  # (h, w), how much crack each pixel of the coarse mask is expected to hold, 0–1
Piece = tuple[int, int, int, int]  # x1, y1, x2, y2 in pixels of the coarse mask, half-open

_NEAR = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


def split_components(held: Held, mass: Mass, min_mass: float, min_saving: float) -> list[Piece]:
    """Split each component into tight boxes, as long as a split pays.

    Pixels with at most two pixels between them belong together. Of a box, the split that leaves out most is made first.

    Args:
        held: ``(h, w)``, to be held by boxes.
        mass: 0 where not held.
        min_mass: that both parts must hold.
        min_saving: area that a split must leave out, pixels of the coarse mask.

    >>> corner = np.zeros((8, 8), bool); corner[0] = corner[:, 0] = True
    >>> split_components(corner, corner.astype(np.float32), min_mass=4, min_saving=8)
    [(0, 0, 1, 8), (1, 0, 8, 1)]
    """
    padded = np.pad(held, 1)
    near = cv2.dilate(padded.view(np.uint8), _NEAR)
    _, near_labels, stats, _ = cv2.connectedComponentsWithStats(near, connectivity=8)
    labels = np.where(held, near_labels[1:-1, 1:-1], 0)
    x, y, width, height = stats[1:, :4].astype(np.int64).T
    whole = np.stack([x, y, x + width - 2, y + height - 2], axis=1)  # `near` is a pixel larger on each side
    pieces: list[Piece] = _split_all(labels, mass, whole, float(min_mass), float(min_saving))
    return pieces


@compiled()
def _split_all(
    labels: NDArray[np.int32], mass: NDArray[np.float32], whole: NDArray[np.int64], min_mass: float, min_saving: float
) -> list[Piece]:
    """Split components into pieces: those of one component after the other, each from the left or from above.

    Args:
        labels: ``(h, w)``, of held pixels the number of their component from 1, of others 0.
        mass: ``(h, w)``.
        whole: ``(N, 4)`` xyxy, the box of each component.
        min_mass: as `split_components`.
        min_saving: likewise.
    """
    pieces = []
    for number in range(1, len(whole) + 1):
        waiting = [(whole[number - 1, 0], whole[number - 1, 1], whole[number - 1, 2], whole[number - 1, 3])]
        while waiting:
            x1, y1, x2, y2 = _tight(labels, number, waiting.pop())
            held, inside = labels[y1:y2, x1:x2] == number, mass[y1:y2, x1:x2]
            upright, column = _best_split(held, inside, min_mass)
            level, row = _best_split(held.T, inside.T, min_mass)
            if max(upright, level) < min_saving:
                pieces.append((x1, y1, x2, y2))
            elif upright >= level:
                waiting += [(x1 + column, y1, x2, y2), (x1, y1, x1 + column, y2)]
            else:
                waiting += [(x1, y1 + row, x2, y2), (x1, y1, x2, y1 + row)]
    return pieces


@compiled()
def _tight(labels: NDArray[np.int32], number: int, box: Piece) -> Piece:
    """The box of the pixels with that number in `box`, of which there is at least one."""
    left, top, right, bottom = box[2], box[3], box[0], box[1]
    for y in range(box[1], box[3]):
        for x in range(box[0], box[2]):
            if labels[y, x] == number:
                left, top, right, bottom = min(left, x), min(top, y), max(right, x + 1), max(bottom, y + 1)
    return left, top, right, bottom


@compiled()
def _best_split(held: Held, mass: Mass, min_mass: float) -> tuple[int, int]:
    """Area that the best split between two columns leaves out, -1 where none is allowed, and the column after it.

    Args:
        held: ``(h, w)``, some in the first and some in the last column.
        mass: of each; others do not count.
        min_mass: that both parts must hold.
    """
    height, width = held.shape
    top, bottom = np.full(width, height), np.zeros(width, np.int64)
    in_column = np.zeros(width)
    for y in range(height):
        for x in range(width):
            if held[y, x]:
                top[x], bottom[x] = min(top[x], y), y + 1
                in_column[x] += mass[y, x]
    area_behind, mass_behind = np.zeros(width, np.int64), np.zeros(width)  # by a split before that column
    low, high, nearest, gathered = height, 0, width, 0.0
    for x in range(width - 1, 0, -1):
        if bottom[x]:
            low, high, nearest = min(low, top[x]), max(high, bottom[x]), x
        gathered += in_column[x]
        area_behind[x], mass_behind[x] = (high - low) * (width - nearest), gathered
    best, after = -1, 0
    low, high, gathered = height, 0, 0.0
    for x in range(width - 1):
        if bottom[x]:
            low, high = min(low, top[x]), max(high, bottom[x])
            gathered += in_column[x]
            saved = height * width - (high - low) * (x + 1) - area_behind[x + 1]
            if gathered >= min_mass and mass_behind[x + 1] >= min_mass and saved > best:
                best, after = saved, x + 1
    return best, after
