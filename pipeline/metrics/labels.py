"""How good the boxes made from the masks are: the ceiling that no detector trained on them can pass."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from torchvision.ops import box_iou

from pipeline.arrays import AnyBoxes, Mask
from pipeline.metrics.regions import RegionCounts, region_counts

_ROWS_AT_ONCE = 64


class Oracle(NamedTuple):
    """What a detector that returned exactly the label boxes would score."""

    oracle_data_reduction: float
    oracle_boxes_per_image: float


def oracle(
    boxes_per_picture: Iterable[AnyBoxes],
    masks: Iterable[Mask],
    ignores: Iterable[Mask | None] | None = None,
) -> Oracle:
    """Score the label boxes themselves, pooled.

    Args:
        boxes_per_picture: ``(N, 4)`` xyxy px of each picture.
        masks: ``(H, W)`` bool of each picture.
        ignores: ``(H, W)`` bool of each picture, True on pixels not to be judged; none: all are.

    Returns:
        nan without pictures.
    """
    pictures = list(zip(boxes_per_picture, masks, strict=True))
    unknown = [None] * len(pictures) if ignores is None else ignores
    counts = [region_counts(*own, ignore) for own, ignore in zip(pictures, unknown, strict=True)]
    pooled = sum(counts, RegionCounts())
    return Oracle(pooled.data_reduction, pooled.boxes_per_image)


def anchor_recall(boxes: AnyBoxes, anchors: AnyBoxes, iou: float = 0.5) -> float:
    """Share of boxes that at least one anchor meets.

    Args:
        boxes: ``(N, 4)`` xyxy px.
        anchors: ``(A, 4)`` xyxy px, all those of one picture.
        iou: intersection over union from which on an anchor meets a box.

    Returns:
        nan without boxes, 0 without anchors.
    """
    wanted, laid = (torch.as_tensor(np.asarray(some, np.float64).reshape(-1, 4)) for some in (boxes, anchors))
    if not len(wanted):
        return float("nan")
    if not len(laid):
        return 0.0
    met = 0
    for start in range(0, len(wanted), _ROWS_AT_ONCE):  # all pairs at once would fill the memory of a small machine
        met += int((box_iou(wanted[start : start + _ROWS_AT_ONCE], laid).amax(dim=1) >= iou).sum())
    return met / len(wanted)
