"""Boxes against the ground-truth mask: the three equations of Carr et al. 2018, section III.

One box over the whole frame has precision 1 and segmentation error 0: only together with the data reduction do they
mean anything, so `region_curve` gives all of them over the whole range of thresholds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from skimage.morphology import skeletonize

from pipeline.arrays import AnyBoxes, Mask, Scores, round_outwards
from pipeline.metrics.pooling import Counts

STRICT_SKELETON_PX = 8
STRICT_REACH_PX = 2


@dataclass(frozen=True)
class RegionCounts(Counts):
    """What the boxes of a picture hold, at one score threshold; `a + b` pools pictures.

    Attributes:
        tp: boxes with at least one crack pixel.
        fp: the other boxes.
        strict_tp: boxes with at least 8 skeleton pixels of the truth inside the box grown by 2 px on every side. A
            crack whose whole skeleton is shorter than 8 px can never make a box a strict true positive.
        missed_px: crack pixels in no box.
        crack_px: crack pixels.
        union_px: pixels in the union of the boxes that are to be judged.
        frame_px: pixels of the picture that are to be judged.
        pictures: pictures counted.
    """

    tp: int = 0
    fp: int = 0
    strict_tp: int = 0
    missed_px: int = 0
    crack_px: int = 0
    union_px: int = 0
    frame_px: int = 0
    pictures: int = 0

    @property
    def precision(self) -> float:
        """``TP / (TP + FP)``; nan without boxes."""
        return _share(self.tp, self.tp + self.fp, empty=math.nan)

    @property
    def strict_precision(self) -> float:
        """``strict TP / (TP + FP)``; nan without boxes."""
        return _share(self.strict_tp, self.tp + self.fp, empty=math.nan)

    @property
    def segmentation_error(self) -> float:
        """``Ep / (Ep + Cp)``, the share of crack pixels in no box; 0 without crack pixels."""
        return _share(self.missed_px, self.crack_px, empty=0.0)

    @property
    def data_reduction(self) -> float:
        """``1 − Td / Tp``, the share of pixels outside the union of boxes; nan without pictures."""
        return 1 - _share(self.union_px, self.frame_px, empty=math.nan)

    @property
    def boxes_per_image(self) -> float:
        """Mean number of boxes a picture; nan without pictures."""
        return _share(self.tp + self.fp, self.pictures, empty=math.nan)


def region_counts(boxes: AnyBoxes, mask: Mask, ignore: Mask | None = None) -> RegionCounts:
    """Count one picture at one threshold.

    Args:
        boxes: ``(N, 4)`` xyxy px, half-open, those at or above the threshold; rounded outwards and clipped here.
        mask: ``(H, W)`` bool, True on crack.
        ignore: ``(H, W)`` bool, True on pixels not to be judged: they are counted nowhere, and a box that holds some of
            them and no crack pixel is neither right nor wrong (`judged_boxes`).
    """
    return RegionCounts(*_cumulative_counts(boxes, mask, ignore)[-1].tolist())


def judged_boxes(boxes: AnyBoxes, mask: Mask, ignore: Mask | None) -> NDArray[np.bool_]:
    """False for boxes of which nobody can say whether they hold crack: ``(N,)``.

    Args:
        boxes: ``(N, 4)`` xyxy px.
        mask: ``(H, W)`` bool, True on crack.
        ignore: ``(H, W)`` bool, True on pixels not to be judged; none: all are.

    >>> judged_boxes(np.array([[0, 0, 2, 1], [1, 0, 3, 1]]), np.array([[1, 0, 0]]), np.array([[0, 0, 1]])).tolist()
    [True, False]
    """
    if ignore is None:
        return np.ones(len(boxes), np.bool_)
    whole = round_outwards(boxes, ignore.shape)
    return np.asarray(
        (_pixels_in(whole, np.asarray(mask, bool) & ~np.asarray(ignore, bool)) > 0) | (_pixels_in(whole, ignore) == 0),
        np.bool_,
    )


def region_curve(
    per_picture: Iterable[tuple[AnyBoxes, Scores, Mask] | tuple[AnyBoxes, Scores, Mask, Mask | None]],
    thresholds: ArrayLike,
) -> pd.DataFrame:
    """Every region metric, pooled, at each threshold.

    Args:
        per_picture: ``(boxes (N, 4) xyxy px, scores (N,), mask (H, W) bool)`` of each picture, in any order of scores,
            and where some pixels are not to be judged ``ignore (H, W) bool`` as the fourth.
        thresholds: ``(T,)``, 0–1. A box counts when its score is at or above; compared in float32, which is what
            scores are.

    Returns:
        One row a threshold, in the order given: ``score_threshold, precision, strict_precision, segmentation_error,
        data_reduction, boxes_per_image``.
    """
    levels = np.asarray(thresholds, dtype=np.float64).reshape(-1)
    total = np.zeros((len(levels), len(RegionCounts.__dataclass_fields__)), dtype=np.int64)  # (T, F)
    for boxes, scores, mask, *ignore in per_picture:
        total += counts_at(boxes, scores, mask, levels, ignore=ignore[0] if ignore else None)
    return curve_of(total, levels)


def counts_at(
    boxes: AnyBoxes,
    scores: Scores,
    mask: Mask,
    thresholds: ArrayLike,
    skeleton: Mask | None = None,
    ignore: Mask | None = None,
) -> NDArray[np.int64]:
    """What one picture adds to `region_curve` at each threshold: ``(T, F)``, F in the order of `RegionCounts`.

    Args:
        boxes: as `region_curve`.
        scores: likewise.
        mask: likewise.
        thresholds: likewise.
        skeleton: of the mask, by `skeleton_of`, for who counts many boxes on one mask; none: made here.
        ignore: as `region_counts`.
    """
    levels = np.asarray(thresholds, dtype=np.float32).reshape(-1)
    falling = -np.asarray(scores, dtype=np.float32).reshape(-1)
    order = np.argsort(falling, kind="stable")
    kept = np.searchsorted(falling[order], -levels, side="right")  # (T,) boxes at or above
    return _cumulative_counts(np.asarray(boxes).reshape(-1, 4)[order], mask, ignore, skeleton)[kept]


def skeleton_of(mask: Mask) -> Mask:
    """The skeleton that strict precision counts, ``(H, W)`` bool; most of the time that counting takes."""
    skeleton: Mask = skeletonize(np.asarray(mask, dtype=bool))  # type: ignore[no-untyped-call]
    return skeleton


def curve_of(total: NDArray[np.int64], thresholds: ArrayLike) -> pd.DataFrame:
    """The rows of `region_curve` from ``(T, F)`` sums of `counts_at`."""
    rows = [RegionCounts(*row) for row in total.tolist()]
    return pd.DataFrame(
        {
            "score_threshold": np.asarray(thresholds, dtype=np.float64).reshape(-1),
            "precision": [r.precision for r in rows],
            "strict_precision": [r.strict_precision for r in rows],
            "segmentation_error": [r.segmentation_error for r in rows],
            "data_reduction": [r.data_reduction for r in rows],
            "boxes_per_image": [r.boxes_per_image for r in rows],
        },
        dtype=np.float64,
    )


def _cumulative_counts(
    boxes: AnyBoxes, mask: Mask, ignore: Mask | None = None, skeleton: Mask | None = None
) -> NDArray[np.int64]:
    """Counts of the first k boxes, for every k.

    Returns:
        ``(N + 1, F)``, F in the order of the fields of `RegionCounts`.
    """
    mask = np.asarray(mask, dtype=bool)
    whole = round_outwards(boxes, mask.shape)
    count = len(whole)
    judged = np.ones_like(mask) if ignore is None else ~np.asarray(ignore, dtype=bool)
    mask = mask & judged
    known = judged_boxes(boxes, mask, ignore)  # (N,)
    true_positive = _pixels_in(whole, mask) >= 1  # (N,)
    grown = round_outwards(boxes, mask.shape, grow=STRICT_REACH_PX)
    strict = _pixels_in(grown, skeleton_of(mask) if skeleton is None else skeleton) >= STRICT_SKELETON_PX  # (N,)

    first = np.full(mask.shape, count, dtype=np.int64)  # (H, W) first box over each pixel, `count` where there is none
    for k in range(count - 1, -1, -1):
        x1, y1, x2, y2 = whole[k]
        first[y1:y2, x1:x2] = k
    covered = _running(np.bincount(first[judged], minlength=count + 1)[:count])  # (N + 1,)
    held = _running(np.bincount(first[mask], minlength=count + 1)[:count])  # (N + 1,)

    crack = int(mask.sum())
    rows = np.empty((count + 1, len(RegionCounts.__dataclass_fields__)), dtype=np.int64)
    rows[:, 0] = _running(true_positive)
    rows[:, 1] = _running(known & ~true_positive)
    rows[:, 2] = _running(strict & known)
    rows[:, 3] = crack - held
    rows[:, 4] = crack
    rows[:, 5] = covered
    rows[:, 6] = int(judged.sum())
    rows[:, 7] = 1
    return rows


def _running(values: NDArray[Any]) -> NDArray[np.int64]:
    """Sums of the first k values, k from 0: ``(N,)`` to ``(N + 1,)``."""
    return np.concatenate([[0], np.cumsum(values, dtype=np.int64)]).astype(np.int64)


def _pixels_in(boxes: NDArray[np.int64], mask: Mask) -> NDArray[np.int64]:
    """True pixels in each box: ``(N, 4)`` whole, clipped xyxy px and ``(H, W)`` to ``(N,)``."""
    sums = np.asarray(cv2.integral(mask.astype(np.uint8)), dtype=np.int64)  # (H + 1, W + 1)
    x1, y1, x2, y2 = boxes.T
    return np.asarray(sums[y2, x2] - sums[y1, x2] - sums[y2, x1] + sums[y1, x1])


def _share(part: int, whole: int, empty: float) -> float:
    return part / whole if whole else empty
