"""What arrays hold here, and boxes as whole pixels. Everything in the pipeline may import this; it imports nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]  # (H, W, 3) RGB
Mask = NDArray[np.bool_]  # (H, W), True on crack
Labels = NDArray[np.uint8]  # (H, W), 1 on crack, `pipeline.datasets.base.NOT_JUDGED`, else 0
ProbabilityMap = NDArray[np.float32]  # (H, W), 0–1
CoarseMask = NDArray[
    np.float32
]  # (⌈H / c⌉, ⌈W / c⌉) probability, 0–1, that c × c px hold crack; (0, 0) where there is none
Features = NDArray[np.float32]  # (C,) what stage 1's encoder makes of a picture, the mean over its positions
Boxes = NDArray[np.int64]  # (N, 4) xyxy px, half-open
AnyBoxes = NDArray[Any]  # the same, of whole or of fractional px
Scores = NDArray[np.floating[Any]]  # (N,) 0–1
Reals = NDArray[np.float64]  # metres, degrees, chainages, points


def round_outwards(boxes: AnyBoxes, size: tuple[int, ...], grow: int = 0) -> Boxes:
    """Smallest whole-pixel boxes around `boxes`, grown on every side and clipped to the frame.

    Args:
        boxes: ``(N, 4)`` xyxy px.
        size: ``(H, W)`` of the frame, px.
        grow: px on every side.

    Returns:
        ``(N, 4)`` int64 xyxy px.
    """
    given = np.asarray(boxes, np.float64).reshape(-1, 4)
    corners = np.concatenate([np.floor(given[:, :2]) - grow, np.ceil(given[:, 2:]) + grow], axis=1)
    height, width = size
    return np.asarray(corners.clip(0, [width, height, width, height]), np.int64)


def union_mask(boxes: AnyBoxes, size: tuple[int, int]) -> Mask:
    """Pixels that lie in at least one box.

    Args:
        boxes: ``(N, 4)`` xyxy px, float boxes are rounded outwards; parts outside the frame are cut off.
        size: ``(H, W)`` px.

    Returns:
        ``(H, W)`` bool.

    >>> int(union_mask(np.array([[0, 0, 2, 2], [1, 1, 3, 3]]), (4, 4)).sum())
    7
    """
    union = np.zeros(size, bool)
    for x1, y1, x2, y2 in round_outwards(boxes, size):
        union[y1:y2, x1:x2] = True
    return union
