from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.ndimage import distance_transform_edt

from pipeline.metrics import (
    SegmentationCounts,
    choose_pixels,
    mask_counts_at,
    mask_curve_of,
    mean_over_pictures,
    segmentation_counts,
)

masks = hnp.arrays(np.bool_, (15, 18))


def pixels(*yx, shape=(12, 12)):
    mask = np.zeros(shape, dtype=bool)
    for y, x in yx:
        mask[y, x] = True
    return mask


# (predicted, truth, tolerance) -> tp_pred, n_pred, tp_true, n_true, inter, union
CASES = {
    "both empty": (pixels(), pixels(), 2, (0, 0, 0, 0, 0, 0)),
    "nothing predicted": (pixels(), pixels((5, 5)), 2, (0, 0, 0, 1, 0, 1)),
    "nothing true": (pixels((5, 5)), pixels(), 2, (0, 1, 0, 0, 0, 1)),
    "next to it at 0 px": (pixels((5, 5)), pixels((5, 6)), 0, (0, 1, 0, 1, 0, 2)),
    "two aside at 2 px": (pixels((5, 5)), pixels((5, 7)), 2, (1, 1, 1, 1, 0, 2)),
    "diagonal at √2": (pixels((5, 5)), pixels((6, 6)), 2, (1, 1, 1, 1, 0, 2)),
    "a knight's move at √5 > 2": (pixels((5, 5)), pixels((6, 7)), 2, (0, 1, 0, 1, 0, 2)),
    # two of three predicted are within 2 px of the one true pixel, which is found
    "three for one": (pixels((5, 4), (5, 5), (5, 9)), pixels((5, 5)), 2, (2, 3, 1, 1, 1, 3)),
    "in the corner": (pixels((0, 0)), pixels((0, 1)), 1, (1, 1, 1, 1, 0, 2)),
}


@pytest.mark.parametrize("case", CASES)
def test_counts_by_hand(case):
    predicted, truth, tolerance, expected = CASES[case]
    assert segmentation_counts(predicted, truth, tolerance) == SegmentationCounts(*expected)


def test_equations_by_hand():
    # precision 6/8, recall 9/10, F1 = 2 · 0.75 · 0.9 / 1.65, IoU 5/13, F1/(2 − F1) with tolerance
    counts = SegmentationCounts(tp_pred=6, n_pred=8, tp_true=9, n_true=10, inter=5, union=13)
    f1 = 2 * 0.75 * 0.9 / 1.65
    assert counts.precision == 0.75
    assert counts.recall == 0.9
    assert counts.f1 == pytest.approx(f1)
    assert counts.iou == pytest.approx(5 / 13)
    assert counts.tolerant_iou == pytest.approx(f1 / (2 - f1))


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (SegmentationCounts(), 1),
        (SegmentationCounts(n_pred=3, union=3), 0),
        (SegmentationCounts(n_true=3, union=3), 0),
        (SegmentationCounts(n_true=3, n_pred=3, union=6), 0),
    ],
)
def test_empty_sides(counts, expected):
    assert (counts.precision, counts.recall, counts.f1, counts.iou, counts.tolerant_iou) == (expected,) * 5


@given(masks, masks, st.integers(0, 4))
@settings(max_examples=80, deadline=None)
def test_tolerance_is_the_euclidean_distance(predicted, truth, tolerance):
    counts = segmentation_counts(predicted, truth, tolerance)
    near_truth = distance_transform_edt(~truth) <= tolerance if truth.any() else np.zeros_like(truth)
    near_predicted = distance_transform_edt(~predicted) <= tolerance if predicted.any() else np.zeros_like(truth)
    assert counts.tp_pred == (predicted & near_truth).sum()
    assert counts.tp_true == (truth & near_predicted).sum()


@given(masks, masks)
@settings(max_examples=60, deadline=None)
def test_tolerance_never_lowers_f1_and_swapping_swaps_precision_and_recall(predicted, truth):
    exact, tolerant = segmentation_counts(predicted, truth, 0), segmentation_counts(predicted, truth, 2)
    assert tolerant.f1 >= exact.f1
    assert exact.tolerant_iou == pytest.approx(exact.iou)
    swapped = segmentation_counts(truth, predicted, 2)
    assert swapped.iou == tolerant.iou
    assert swapped.f1 == pytest.approx(tolerant.f1)
    if predicted.any() and truth.any():
        assert (swapped.precision, swapped.recall) == (tolerant.recall, tolerant.precision)


@given(masks, st.sampled_from([(0, 1), (1, 0), (-1, 1), (1, 1)]))
@settings(max_examples=40, deadline=None)
def test_shift_by_one_pixel_is_forgiven_at_two(mask, shift):
    frame = np.pad(mask, 3)  # away from the borders
    moved = np.roll(frame, shift, axis=(0, 1))
    assert segmentation_counts(moved, frame, 2).f1 == 1
    exact = segmentation_counts(moved, frame, 0)
    if frame.any():
        assert exact.f1 < 1


@given(masks, masks, masks, masks)
@settings(max_examples=30, deadline=None)
def test_adding_counts_is_pooling_pictures(p1, t1, p2, t2):
    gap = np.zeros((15, 5), dtype=bool)  # wider than the tolerance, so that the two pictures do not touch
    together = segmentation_counts(np.hstack([p1, gap, p2]), np.hstack([t1, gap, t2]), 2)
    assert segmentation_counts(p1, t1, 2) + segmentation_counts(p2, t2, 2) == together


def test_mean_over_pictures_by_hand():
    counts = [SegmentationCounts(2, 2, 2, 2, 2, 2), SegmentationCounts(n_true=100, union=100)]
    assert mean_over_pictures(counts, lambda c: c.f1) == 0.5
    pooled = sum(counts, SegmentationCounts())
    assert pooled.f1 == pytest.approx(2 * 1 * (2 / 102) / (1 + 2 / 102))
    assert math.isnan(mean_over_pictures([], lambda c: 1.0))
    assert mean_over_pictures(counts, lambda c: 1.0 if c.n_pred else math.nan) == 1


@given(st.integers(0, 2**32 - 1), st.integers(0, 3))
@settings(max_examples=30, deadline=None)
def test_curve_agrees_with_counting_each_threshold(seed, tolerance):
    rng = np.random.default_rng(seed)
    # Eight-bit steps, so that probabilities equal to a threshold happen; thresholds out of order.
    scored = [
        ((rng.integers(0, 6, (14, 11)) / 5).astype(np.float32), rng.random((14, 11)) < share) for share in (0.0, 0.2)
    ]
    thresholds = [0.6, 0.0, 0.2, 0.5, 1.0]
    counted = [mask_counts_at(*each, thresholds, tolerance) for each in scored]
    curve = mask_curve_of(np.sum(counted, axis=0), thresholds)
    assert list(curve["probability_threshold"]) == thresholds
    for row in curve.itertuples():
        pooled = sum(
            (segmentation_counts(p >= np.float32(row.probability_threshold), t, tolerance) for p, t in scored),
            SegmentationCounts(),
        )
        assert (row.precision, row.recall, row.f1, row.iou) == pytest.approx(
            (pooled.precision, pooled.recall, pooled.f1, pooled.iou)
        )


def test_probability_threshold_has_the_highest_f1():
    truth = pixels((5, 5), (5, 6), (5, 7))
    probability = np.full(truth.shape, 0.2, dtype=np.float32)
    probability[truth] = 0.7
    levels = np.linspace(0.1, 0.9, 9)
    curve = mask_curve_of(mask_counts_at(probability, truth, levels, tolerance_px=0), levels)
    # 0.3 … 0.7 all predict exactly the truth; the middle of the five
    assert choose_pixels({0.0: [curve]}) == pytest.approx((0.5, 0))
    with pytest.raises(ValueError, match="without thresholds"):
        choose_pixels({0.0: [curve.iloc[:0]]})


def curve_of(*f1: float) -> pd.DataFrame:
    return pd.DataFrame({"probability_threshold": [0.2, 0.3, 0.4], "f1": f1})


def test_several_curves_are_weighed_alike():
    near, exact = curve_of(0.90, 0.90, 0.80), curve_of(0.50, 0.62, 0.70)
    assert choose_pixels({0.0: [near, exact]}) == pytest.approx((0.3, 0))  # means: 0.70, 0.76, 0.75


def test_share_and_threshold_are_chosen_together():
    shares = {0.0: [curve_of(0.7, 0.8, 0.85)], 0.5: [curve_of(0.8, 0.9, 0.85)], 0.6: [curve_of(0.8, 0.9, 0.88)]}
    assert choose_pixels(shares) == pytest.approx((0.3, 0.5))  # 0.6 is as good, and leaves more out
    assert choose_pixels({0.0: [curve_of(0, 0, 0)], 0.5: [curve_of(0, 0, 0)]}) == pytest.approx((0.3, 0))


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="truth is"):
        segmentation_counts(np.zeros((3, 4), bool), np.zeros((4, 3), bool), 2)
    with pytest.raises(ValueError, match="truth is"):
        mask_counts_at(np.zeros((3, 4), np.float32), np.zeros((4, 3), bool), [0.5])
