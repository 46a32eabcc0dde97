"""Predicted crack masks against the truth, pixel by pixel, with a tolerance for hand-drawn centre lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from pipeline.arrays import Mask, ProbabilityMap
from pipeline.metrics.pooling import Counts


@dataclass(frozen=True)
class SegmentationCounts(Counts):
    """Pixels of one picture at one tolerance; `a + b` pools pictures (of equal tolerance).

    With neither predicted nor true crack pixels every share is 1; with exactly one of the two empty, 0.

    Attributes:
        tp_pred: predicted pixels within the tolerance of a true one.
        n_pred: predicted pixels.
        tp_true: true pixels within the tolerance of a predicted one.
        n_true: true pixels.
        inter: pixels both predicted and true, without tolerance.
        union: pixels predicted or true, without tolerance.
    """

    tp_pred: int = 0
    n_pred: int = 0
    tp_true: int = 0
    n_true: int = 0
    inter: int = 0
    union: int = 0

    @property
    def precision(self) -> float:
        """Share of the predicted pixels within the tolerance of the truth."""
        return self.tp_pred / self.n_pred if self.n_pred else float(self.n_true == 0)

    @property
    def recall(self) -> float:
        """Share of the true pixels within the tolerance of a predicted one."""
        return self.tp_true / self.n_true if self.n_true else float(self.n_pred == 0)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0

    @property
    def iou(self) -> float:
        """Intersection over union without tolerance, whatever the tolerance of the counts."""
        return self.inter / self.union if self.union else 1.0

    @property
    def tolerant_iou(self) -> float:
        """``F1 / (2 − F1)``: equals `iou` at 0 px, and carries the tolerance over where there is one."""
        return self.f1 / (2 - self.f1)


def segmentation_counts(
    predicted: Mask, truth: Mask, tolerance_px: int, ignore: Mask | None = None
) -> SegmentationCounts:
    """Count one picture.

    Args:
        predicted: ``(H, W)`` bool over the full frame; a pixel outside every box is background.
        truth: ``(H, W)`` bool.
        tolerance_px: greatest Euclidean distance between the centres of two pixels that still agree.
        ignore: ``(H, W)`` bool, True on pixels not to be judged: whatever is predicted there changes nothing.
    """
    predicted, truth = np.asarray(predicted, dtype=bool), np.asarray(truth, dtype=bool)
    _check_shapes(predicted, truth)
    if ignore is not None:
        predicted, truth = predicted & ~ignore, truth & ~ignore
    return SegmentationCounts(
        tp_pred=int(np.count_nonzero(predicted & (_highest_near(truth, tolerance_px) > 0))),
        n_pred=int(np.count_nonzero(predicted)),
        tp_true=int(np.count_nonzero(truth & (_highest_near(predicted, tolerance_px) > 0))),
        n_true=int(np.count_nonzero(truth)),
        inter=int(np.count_nonzero(predicted & truth)),
        union=int(np.count_nonzero(predicted | truth)),
    )


def mask_counts_at(
    probability: ProbabilityMap, truth: Mask, thresholds: ArrayLike, tolerance_px: int = 2, ignore: Mask | None = None
) -> NDArray[np.int64]:
    """Count one picture at each threshold, in one pass however many they are.

    Args:
        probability: ``(H, W)`` float32, 0–1.
        truth: ``(H, W)`` bool.
        thresholds: ``(T,)``, 0–1. A pixel is crack when its probability is at or above; compared in float32.
        tolerance_px: as in `segmentation_counts`.
        ignore: likewise.

    Returns:
        ``(T, F)``, F in the order of `SegmentationCounts`; those of several pictures add up.
    """
    levels = np.asarray(thresholds, dtype=np.float64).reshape(-1)
    order = np.argsort(levels)
    rising = levels[order].astype(np.float32)  # (T,)
    probability, truth = np.asarray(probability, dtype=np.float32), np.asarray(truth, dtype=bool)
    _check_shapes(probability, truth)
    if ignore is not None:
        probability, truth = np.where(ignore, np.float32(-1), probability), truth & ~ignore
    # A true pixel is near a predicted one at every threshold up to the highest probability around it.
    reachable = _highest_near(probability, tolerance_px)
    predicted = _at_or_above(probability, rising)
    both = _at_or_above(probability[truth], rising)
    counts = np.empty((len(levels), len(SegmentationCounts.__dataclass_fields__)), dtype=np.int64)
    counts[order, 0] = _at_or_above(probability[_highest_near(truth, tolerance_px) > 0], rising)
    counts[order, 1] = predicted
    counts[order, 2] = _at_or_above(reachable[truth], rising)
    counts[order, 3] = np.count_nonzero(truth)
    counts[order, 4] = both
    counts[order, 5] = predicted + np.count_nonzero(truth) - both
    return counts


def mask_curve_of(total: NDArray[np.int64], thresholds: ArrayLike) -> pd.DataFrame:
    """Every mask metric, pooled, from ``(T, F)`` sums of `mask_counts_at`.

    Returns:
        One row a threshold, in the order given: ``probability_threshold, precision, recall, f1, iou``.
    """
    levels = np.asarray(thresholds, dtype=np.float64).reshape(-1)
    rows = [SegmentationCounts(*row) for row in total.tolist()]
    return pd.DataFrame(
        {
            "probability_threshold": levels,
            "precision": [r.precision for r in rows],
            "recall": [r.recall for r in rows],
            "f1": [r.f1 for r in rows],
            "iou": [r.iou for r in rows],
        },
        dtype=np.float64,
    )


def choose_pixels(curves: Mapping[float, Sequence[pd.DataFrame]]) -> tuple[float, float]:
    """Probability threshold and flank share with the highest pooled F1, the mean of several curves; of shares that tie
    the lowest, of its thresholds that tie the middle one.

    F1 at 2 px alone hardly minds masks that are too wide. With F1 at 0 px beside it cracks keep their width.

    Args:
        curves: by flank share (`pipeline.cascade.crack_pixels`), rising; each of `mask_curve_of` at the same
            thresholds, on validation data.
    """
    f1 = {share: np.mean([curve["f1"].to_numpy() for curve in of_share], axis=0) for share, of_share in curves.items()}
    thresholds = next(iter(curves.values()))[0]["probability_threshold"].to_numpy()
    if len(thresholds) == 0:
        raise ValueError("a curve without thresholds")
    share = max(f1, key=lambda share: f1[share].max())  # the first of several
    best = np.sort(thresholds[f1[share] == f1[share].max()])
    return float(best[len(best) // 2]), share


def _highest_near(values: NDArray[Any], tolerance_px: int) -> NDArray[Any]:
    """Highest value within a Euclidean distance of each pixel: ``(H, W)`` bool (as uint8) or float32, same shape.

    Dilating a mask by a disc is the same as thresholding its distance transform, and works on probabilities too.
    """
    values = values.astype(np.uint8) if values.dtype == np.bool_ else values
    if tolerance_px == 0 or not values.size:
        return values
    reach = np.arange(-tolerance_px, tolerance_px + 1)
    disc = (reach[:, None] ** 2 + reach[None, :] ** 2 <= tolerance_px**2).astype(np.uint8)
    return np.asarray(cv2.dilate(values, disc))


def _at_or_above(values: NDArray[np.float32], rising: NDArray[np.float32]) -> NDArray[np.int64]:
    """How many values are at or above each of the ``(T,)`` rising thresholds: ``(T,)``."""
    passed = np.searchsorted(rising, values.reshape(-1), side="right")  # thresholds each value reaches
    tally = np.bincount(passed, minlength=len(rising) + 1)  # (T + 1,)
    return np.cumsum(tally[::-1])[::-1][1:].astype(np.int64)


def _check_shapes(predicted: NDArray[Any], truth: NDArray[Any]) -> None:
    if predicted.shape != truth.shape:
        raise ValueError(f"prediction is {predicted.shape}, truth is {truth.shape}")
