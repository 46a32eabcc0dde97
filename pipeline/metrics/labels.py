"""How good the boxes made from the masks are: the ceiling that no detector trained on them can pass."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torchvision.ops import box_iou

from pipeline.arrays import AnyBoxes
from pipeline.metrics.regions import RegionCounts

_PAIRS_AT_ONCE = 2_000_000


class Oracle(NamedTuple):
    """What a detector that returned exactly the label boxes would score."""

    oracle_data_reduction: float
    oracle_boxes_per_image: float


def oracle(pooled: RegionCounts) -> Oracle:
    """Score the label boxes themselves.

    Args:
        pooled: counts of all pictures with their label boxes in place of detections (`region_counts`).

    Returns:
        nan without pictures.
    """
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
    rows = max(1, _PAIRS_AT_ONCE // len(laid))
    for start in range(0, len(wanted), rows):  # all pairs at once would fill the memory of a small machine
        met += int((box_iou(wanted[start : start + rows], laid).amax(dim=1) >= iou).sum())
    return met / len(wanted)
