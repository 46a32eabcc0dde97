"""A picture and its mirror images: four looks at the same road, whose mean is surer than one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torchvision.ops import box_iou, nms

P = TypeVar("P", bound=np.generic)

SAME_IOU = 0.5  # boxes of two views that overlap by this much mean one thing


class View(NamedTuple):
    """How a picture is turned before it is looked at; turning twice gives it back."""

    left_right: bool
    up_down: bool


AS_IT_IS = (View(False, False),)
MIRRORED = (View(False, False), View(True, False), View(False, True), View(True, True))


def mirror(pixels: NDArray[P], view: View) -> NDArray[P]:
    """``(H, W, …)`` picture or map in that view, contiguous."""
    turned = pixels[:: -1 if view.up_down else 1, :: -1 if view.left_right else 1]
    return np.ascontiguousarray(turned)


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


def agree(
    found: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]], nms_iou: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Merge what several views of one picture show.

    Of boxes that overlap the best stays, with the mean over views of the best score that each view gives that place,
    0 where a view sees nothing there.

    Args:
        found: of each view, boxes ``(N, 4)`` xyxy px of the picture as it is, and scores ``(N,)``.
        nms_iou: overlap from which on only the best of two boxes stays.

    Returns:
        Boxes ``(M, 4)`` and scores ``(M,)``, best first.
    """
    boxes = np.concatenate([own for own, _ in found])
    scores = np.concatenate([own for _, own in found])
    kept = nms(torch.from_numpy(boxes), torch.from_numpy(scores), nms_iou).numpy()
    seen = np.zeros((len(found), len(kept)), np.float32)
    for number, (own, own_scores) in enumerate(found):
        if len(own) and len(kept):
            same = box_iou(torch.from_numpy(boxes[kept]), torch.from_numpy(own)).numpy() >= SAME_IOU
            seen[number] = (same * own_scores).max(axis=1)
    mean = seen.mean(axis=0)
    order = np.argsort(-mean, kind="stable")
    return boxes[kept][order], mean[order]
