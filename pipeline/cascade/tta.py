"""Test-time augmentation: a picture is looked at changed as well as unchanged, and the answers are averaged.

Stage 1 looks at it turned by 180° too: what it says of a pixel of the coarse mask then meets what it says of the very
same pixel, nothing smeared. Stage 2 looks at four mirror images, two of them enlarged.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from models.detections import Detections
from pipeline.arrays import AnyBoxes, Image
from pipeline.cascade.stage1_output import Stage1Output, best_first

P = TypeVar("P", bound=np.generic)


class Change(NamedTuple):
    """How a picture is changed before a network looks at it. Mirroring twice gives it back.

    Attributes:
        left_right: mirrored, left for right.
        up_down: likewise.
        scale: enlarged so many times: thin cracks are found more surely, and drawn more exactly.
    """

    left_right: bool
    up_down: bool
    scale: float = 1


HALF_TURN = Change(True, True)
# Scales chosen on validation parts from 1 to 1.4 (docs/ablations); four mirror images in all, none twice. The first
# is the picture unchanged.
SEGMENTER_CHANGES = (Change(False, False), HALF_TURN, Change(True, False, 1.3), Change(False, True, 1.3))


def mirror(pixels: NDArray[P], change: Change) -> NDArray[P]:
    """``(H, W, …)`` picture or map, mirrored, contiguous."""
    mirrored = pixels[:: -1 if change.up_down else 1, :: -1 if change.left_right else 1]
    return np.ascontiguousarray(mirrored)


def change_image(image: Image, change: Change) -> Image:
    """``(H, W, 3)`` picture, mirrored and enlarged."""
    if change.scale != 1:
        height, width = (round(side * change.scale) for side in image.shape[:2])
        image = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    return mirror(image, change)


def change_boxes(boxes: AnyBoxes, size: tuple[int, ...], new_size: tuple[int, ...], change: Change) -> AnyBoxes:
    """Boxes where a change puts them.

    Args:
        boxes: ``(N, 4)`` xyxy px of a picture.
        size: what the picture's shape begins with, ``(H, W)`` px.
        new_size: likewise, of the changed picture.
        change: what was done to it.
    """
    if size == new_size:
        return mirror_boxes(boxes, (size[0], size[1]), change)
    scale = np.array([new_size[1] / size[1], new_size[0] / size[0]] * 2)
    return mirror_boxes(boxes.astype(np.float64) * scale, (new_size[0], new_size[1]), change)


def undo(pixels: NDArray[np.float32], size: tuple[int, ...], change: Change) -> NDArray[np.float32]:
    """``(H', W')`` map of a changed picture → ``(H, W)`` of the picture itself, whose shape begins with `size`."""
    height, width = size[:2]
    mirrored = mirror(pixels, change)
    if mirrored.shape != (height, width):
        mirrored = np.asarray(cv2.resize(mirrored, (width, height), interpolation=cv2.INTER_AREA), np.float32)
    return mirrored


def mirror_boxes(boxes: NDArray[P], size: tuple[int, int], change: Change) -> NDArray[P]:
    """``(N, 4)`` xyxy px of an ``(H, W)`` frame, mirrored.

    >>> mirror_boxes(np.array([[0, 0, 2, 3]]), (10, 20), Change(True, False)).tolist()
    [[18, 0, 20, 3]]
    """
    height, width = size
    x1, y1, x2, y2 = boxes.T
    if change.left_right:
        x1, x2 = width - x2, width - x1
    if change.up_down:
        y1, y2 = height - y2, height - y1
    return np.stack([x1, y1, x2, y2], axis=1).astype(boxes.dtype)


def half_turn(image: Image, coarse_px: int) -> Image:
    """``(H, W, 3)`` picture turned by 180°, its sides first made multiples of `coarse_px`, so that pixels of the
    coarse mask lie where they lay.
    """
    height, width = image.shape[:2]
    below, right = -height % coarse_px, -width % coarse_px
    if below or right:
        image = np.asarray(cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_REPLICATE), np.uint8)
    return mirror(image, HALF_TURN)


def join_half_turn(unchanged: Stage1Output, turned: Stage1Output) -> Stage1Output:
    """The mean of both coarse masks, and the detections of either.

    Args:
        unchanged: of a picture.
        turned: of the same picture after `half_turn`.
    """
    height, width = unchanged.size
    boxes = mirror_boxes(turned.detections.boxes, turned.size, HALF_TURN).clip(0, [width, height, width, height])
    back = Detections(boxes.astype(np.float32), turned.detections.scores)
    mean = np.mean([unchanged.coarse_mask, mirror(turned.coarse_mask, HALF_TURN)], axis=0, dtype=np.float32)
    both = best_first([unchanged.detections, back])
    return Stage1Output(both, np.asarray(mean, np.float32), unchanged.size, unchanged.features)
