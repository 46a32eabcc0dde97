"""How good the boxes made from the masks are: the ceiling that no detector trained on them can pass."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.arrays import AnyBoxes
from pipeline.metrics.regions import RegionCounts, region_counts

_ROWS_AT_ONCE = 64


class Oracle(NamedTuple):
    """What a detector that returned exactly the label boxes would score."""

    oracle_data_reduction: float
    oracle_boxes_per_image: float


def oracle(
    boxes_per_picture: Iterable[AnyBoxes],
    masks: Iterable[NDArray[np.bool_]],
    ignores: Iterable[NDArray[np.bool_] | None] | None = None,
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
    boxes, anchors = np.asarray(boxes).reshape(-1, 4), np.asarray(anchors).reshape(-1, 4)
    if not len(boxes):
        return float("nan")
    if not len(anchors):
        return 0.0
    met = 0
    for start in range(0, len(boxes), _ROWS_AT_ONCE):  # all pairs at once would fill the memory of a small machine
        met += int(np.count_nonzero(box_iou(boxes[start : start + _ROWS_AT_ONCE], anchors).max(axis=1) >= iou))
    return met / len(boxes)


def box_iou(a: AnyBoxes, b: AnyBoxes) -> NDArray[np.float64]:
    """Intersection over union of every pair: ``(N, 4)`` and ``(M, 4)`` xyxy px to ``(N, M)``.

    >>> box_iou(np.array([[0, 0, 4, 4]]), np.array([[2, 0, 6, 4]])).round(3).tolist()
    [[0.333]]
    """
    a, b = np.asarray(a, dtype=np.float64).reshape(-1, 4), np.asarray(b, dtype=np.float64).reshape(-1, 4)
    low = np.maximum(a[:, None, :2], b[None, :, :2])  # (N, M, 2)
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    inter = np.clip(high - low, 0, None).prod(axis=2)  # (N, M)
    union = _area(a)[:, None] + _area(b)[None, :] - inter
    return np.asarray(inter / union)


def _area(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
