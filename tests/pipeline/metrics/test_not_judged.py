"""Pixels not to be judged: whatever is found there, no metric changes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pipeline.metrics import (
    judged_boxes,
    mask_counts_at,
    mask_curve_of,
    oracle,
    region_counts,
    region_curve,
    segmentation_counts,
)

SIDE = 16
masks = hnp.arrays(np.bool_, (SIDE, SIDE))
maps = hnp.arrays(np.float32, (SIDE, SIDE), elements=st.sampled_from(np.float32([0, 0.3, 0.6, 1])))


@given(masks, masks, masks, masks, st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_no_mask_figure_hangs_on_what_is_predicted_there(predicted, truth, ignore, other, tolerance):
    changed = np.where(ignore, other, predicted)
    counts = segmentation_counts(predicted, truth, tolerance, ignore)
    assert counts == segmentation_counts(changed, truth, tolerance, ignore)
    assert counts == segmentation_counts(predicted & ~ignore, truth & ~ignore, tolerance)


@given(maps, masks, masks)
@settings(max_examples=30, deadline=None)
def test_the_curve_over_probabilities_agrees_with_counting(probability, truth, ignore):
    levels = [0.0, 0.3, 0.5, 1.0]
    curve = mask_curve_of(mask_counts_at(probability, truth, levels, ignore=ignore), levels)
    for level, f1 in zip(levels, curve["f1"], strict=True):
        counts = segmentation_counts(probability >= np.float32(level), truth, 2, ignore)
        assert f1 == pytest.approx(counts.f1)


def test_regions_of_a_hand_worked_picture():
    # A crack of 10 px in row 2; rows 8 to 15 are not judged: 128 of 256 px.
    mask, ignore = np.zeros((SIDE, SIDE), bool), np.zeros((SIDE, SIDE), bool)
    mask[2, :10], ignore[8:] = True, True
    boxes = np.array([[0, 0, 5, 4], [0, 4, 4, 7], [0, 10, 9, 15], [0, 6, 4, 10], [0, 0, 16, 16]])
    assert judged_boxes(boxes, mask, ignore).tolist() == [True, True, False, False, True]
    counts = region_counts(boxes[:4], mask, ignore)
    assert (counts.tp, counts.fp) == (1, 1)
    assert (counts.missed_px, counts.crack_px) == (5, 10)
    assert (counts.union_px, counts.frame_px) == (5 * 4 + 4 * 3 + 4 * 1, 128)
    assert oracle(region_counts(boxes[:1], mask, ignore)).oracle_data_reduction == 1 - 20 / 128


def test_a_box_that_nobody_can_judge_is_no_strict_hit():
    """It holds ignored pixels and no crack; 10 px of a crack lie just beside it, within the reach of 2 px."""
    mask, ignore = np.zeros((SIDE, SIDE), bool), np.zeros((SIDE, SIDE), bool)
    mask[2, :10], ignore[8:] = True, True
    boxes = np.array([[0, 0, 10, 4], [0, 4, 10, 12]])
    counts = region_counts(boxes, mask, ignore)
    assert (counts.tp, counts.fp, counts.strict_tp) == (1, 0, 1)


@given(masks, masks, st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_truth_that_is_not_judged_does_not_count(mask, ignore, seed):
    corners = np.random.default_rng(seed).integers(0, SIDE, (5, 2))
    boxes = np.concatenate([corners, corners + 4], axis=1)
    counts = region_counts(boxes, mask, ignore)
    assert counts == region_counts(boxes, mask & ~ignore, ignore)
    curve = region_curve([(boxes, np.ones(5, np.float32), mask, ignore)], [0.5])
    assert curve["precision"].iloc[0] == pytest.approx(counts.precision, nan_ok=True)
