"""A picture, mirrored and enlarged: four looks of stage 2 at the same road, whose mean is surer than one."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

P = TypeVar("P", bound=np.generic)


class View(NamedTuple):
    """How a picture is shown before it is looked at. Mirroring twice gives it back.

    Attributes:
        left_right: mirrored, left for right.
        up_down: likewise.
        scale: enlarged so many times: thin cracks are found more surely, and drawn more exactly.
    """

    left_right: bool
    up_down: bool
    scale: float = 1


AS_IT_IS = (View(False, False),)
# Chosen on validation parts among scales of 1 to 1.4 (RESULTS.md); four mirror images in all, none twice.
FOUR = (View(False, False), View(True, True), View(True, False, 1.3), View(False, True, 1.3))


def mirror(pixels: NDArray[P], view: View) -> NDArray[P]:
    """``(H, W, …)`` picture or map in that view, contiguous."""
    turned = pixels[:: -1 if view.up_down else 1, :: -1 if view.left_right else 1]
    return np.ascontiguousarray(turned)


def show(image: NDArray[np.uint8], view: View) -> NDArray[np.uint8]:
    """``(H, W, 3)`` picture in that view, enlarged too."""
    if view.scale != 1:
        height, width = (round(side * view.scale) for side in image.shape[:2])
        image = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    return mirror(image, view)


def as_it_is(pixels: NDArray[np.float32], size: tuple[int, ...], view: View) -> NDArray[np.float32]:
    """``(H', W')`` map of a picture in that view → ``(H, W)`` of the picture as it is, whose size begins `size`."""
    height, width = size[:2]
    turned = mirror(pixels, view)
    if turned.shape != (height, width):
        turned = np.asarray(cv2.resize(turned, (width, height), interpolation=cv2.INTER_AREA), np.float32)
    return turned


def show_boxes(
    boxes: NDArray[np.generic], size: tuple[int, ...], shown: tuple[int, ...], view: View
) -> NDArray[np.generic]:
    """``(N, 4)`` xyxy px of the picture as it is, whose size begins `size`, in px of it as `shown`."""
    if size == shown:
        return mirror_boxes(boxes, (size[0], size[1]), view)
    scale = np.array([shown[1] / size[1], shown[0] / size[0]] * 2)
    return mirror_boxes(boxes.astype(np.float64) * scale, (shown[0], shown[1]), view)


def mirror_boxes(boxes: NDArray[P], size: tuple[int, int], view: View) -> NDArray[P]:
    """``(N, 4)`` xyxy px of an ``(H, W)`` frame in that view.

    >>> mirror_boxes(np.array([[0, 0, 2, 3]]), (10, 20), View(True, False)).tolist()
    [[18, 0, 20, 3]]
    """
    height, width = size
    x1, y1, x2, y2 = boxes.T
    if view.left_right:
        x1, x2 = width - x2, width - x1
    if view.up_down:
        y1, y2 = height - y2, height - y1
    return np.stack([x1, y1, x2, y2], axis=1).astype(boxes.dtype)
