from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pipeline.metrics import (
    RegionCounts,
    region_counts,
    region_curve,
)

NO_BOXES = np.zeros((0, 4), dtype=np.float32)
NO_SCORES = np.zeros(0, dtype=np.float32)
SIDE = 24


def line(height=20, width=30, row=10):
    """One horizontal crack, one pixel wide, over the whole width."""
    mask = np.zeros((height, width), dtype=bool)
    mask[row] = True
    return mask


def clean(height=20, width=30):
    return np.zeros((height, width), dtype=bool)


# Frame 30 × 20 = 600 px, crack: row 10, 30 px.
CASES = {
    # (boxes, mask) -> tp, fp, strict_tp, missed, crack, union, frame
    "no boxes": (NO_BOXES, line(), (0, 0, 0, 30, 30, 0, 600)),
    "no boxes, no crack": (NO_BOXES, clean(), (0, 0, 0, 0, 0, 0, 600)),
    "whole frame": ([[0, 0, 30, 20]], line(), (1, 0, 1, 0, 30, 600, 600)),
    # 12 px of the crack, box 12 × 6 = 72 px, 30 − 12 = 18 missed
    "one on the crack": ([[4, 8, 16, 14]], line(), (1, 0, 1, 18, 30, 72, 600)),
    "one beside": ([[4, 0, 16, 6]], line(), (0, 1, 0, 30, 30, 72, 600)),
    # half-open: rows 5–9, so the crack's row 10 lies just outside; but grown by 2 px it holds 14 skeleton pixels
    "ends just above": ([[4, 5, 14, 10]], line(), (0, 1, 1, 30, 30, 50, 600)),
    # 10 × 10 twice, sharing 5 × 10: union 150, columns 0–14 found, 15 missed
    "overlapping": ([[0, 5, 10, 15], [5, 5, 15, 15]], line(), (2, 0, 2, 15, 30, 150, 600)),
    # rounded outwards to (3, 9, 6, 12): 9 px, 3 crack px; grown by 2 px it reaches columns 1–7, 7 skeleton px < 8
    "fractions": ([[3.9, 9.5, 5.1, 11.2]], line(), (1, 0, 0, 27, 30, 9, 600)),
    # clipped to columns 25–29 and rows 10–19: 5 × 10 px
    "beyond the frame": ([[25, 10, 99, 99]], line(), (1, 0, 0, 25, 30, 50, 600)),
    "wholly outside": ([[40, 5, 50, 15]], line(), (0, 1, 0, 30, 30, 0, 600)),
    "clean pavement": ([[0, 0, 3, 4]], clean(), (0, 1, 0, 0, 0, 12, 600)),
}


@pytest.mark.parametrize("case", CASES)
def test_counts_by_hand(case):
    boxes, mask, expected = CASES[case]
    counts = region_counts(np.array(boxes, dtype=np.float32).reshape(-1, 4), mask)
    assert counts == RegionCounts(*expected, pictures=1)


def test_equations_by_hand():
    # TP 2 of 3 boxes, 12 of 30 crack px missed, union 150 of 600
    counts = RegionCounts(tp=2, fp=1, strict_tp=1, missed_px=12, crack_px=30, union_px=150, frame_px=600, pictures=2)
    assert counts.precision == pytest.approx(2 / 3)
    assert counts.strict_precision == pytest.approx(1 / 3)
    assert counts.segmentation_error == pytest.approx(12 / 30)
    assert counts.data_reduction == pytest.approx(1 - 150 / 600)
    assert counts.boxes_per_image == pytest.approx(3 / 2)


def test_equations_where_the_denominator_is_nothing():
    empty = region_counts(NO_BOXES, clean())
    assert math.isnan(empty.precision)
    assert math.isnan(empty.strict_precision)
    assert empty.segmentation_error == 0
    assert empty.data_reduction == 1
    assert empty.boxes_per_image == 0
    assert math.isnan(RegionCounts().data_reduction)
    assert math.isnan(RegionCounts().boxes_per_image)


def test_strict_needs_eight_skeleton_pixels():
    for length, expected in ((7, 0), (8, 1)):
        mask = clean()
        mask[10, 5 : 5 + length] = True
        assert region_counts(np.array([[0, 0, 30, 20]]), mask).strict_tp == expected


@pytest.mark.parametrize(("y2", "expected"), [(9, 1), (8, 0)])  # last row 8 is 2 px from row 10, last row 7 is 3 px
def test_strict_reaches_two_pixels_beyond_the_box(y2, expected):
    assert region_counts(np.array([[4, 2, 20, y2]]), line()).strict_tp == expected


def test_strict_counts_the_skeleton_and_not_the_crack():
    mask = clean()
    mask[8:12, 5:9] = True  # 16 crack pixels, a skeleton of a few
    counts = region_counts(np.array([[0, 0, 30, 20]]), mask)
    assert (counts.tp, counts.strict_tp) == (1, 0)


def test_pooled_by_hand():
    one = region_counts(np.array([[4, 8, 16, 14]]), line())  # TP, 18 of 30 missed, 72 px
    other = region_counts(np.array([[0, 0, 3, 4], [5, 0, 8, 4]]), clean())  # 2 FP, no crack, 24 px
    pooled = one + other
    assert pooled.precision == pytest.approx(1 / 3)
    assert pooled.segmentation_error == pytest.approx(18 / 30)
    assert pooled.data_reduction == pytest.approx(1 - 96 / 1200)
    assert pooled.boxes_per_image == pytest.approx(1.5)
    assert sum([one, other], RegionCounts()) == pooled


@st.composite
def box_arrays(draw, most=6):
    count = draw(st.integers(0, most))
    corner = st.floats(-4, SIDE, allow_nan=False, width=32)
    side = st.floats(0.25, SIDE, allow_nan=False, width=32)
    rows = [(draw(corner), draw(corner), draw(side), draw(side)) for _ in range(count)]
    return np.array([[x, y, x + w, y + h] for x, y, w, h in rows], dtype=np.float32).reshape(-1, 4)


masks = hnp.arrays(np.bool_, (SIDE, SIDE))
pictures = st.tuples(box_arrays(), masks)


@given(pictures)
@settings(max_examples=60, deadline=None)
def test_counts_agree_with_painting(picture):
    boxes, mask = picture
    painted = np.zeros_like(mask)
    tp = area = 0
    for x1, y1, x2, y2 in boxes.astype(float):
        inside = np.zeros_like(mask)
        inside[max(math.floor(y1), 0) : max(math.ceil(y2), 0), max(math.floor(x1), 0) : max(math.ceil(x2), 0)] = True
        painted |= inside
        area += inside.sum()
        tp += bool((inside & mask).any())
    counts = region_counts(boxes, mask)
    assert counts.union_px == painted.sum() <= area
    assert counts.missed_px == (mask & ~painted).sum()
    assert (counts.tp, counts.fp) == (tp, len(boxes) - tp)
    assert counts.strict_tp <= len(boxes)


@given(pictures, pictures)
@settings(max_examples=30, deadline=None)
def test_adding_counts_is_pooling_pictures(one, other):
    a, b = region_counts(*one), region_counts(*other)
    pooled = a + b
    curve = region_curve([(boxes, np.ones(len(boxes), np.float32), mask) for boxes, mask in (one, other)], [0.5])
    for column in ("precision", "strict_precision", "segmentation_error", "data_reduction", "boxes_per_image"):
        assert curve[column].iloc[0] == pytest.approx(getattr(pooled, column), nan_ok=True)


@given(masks)
@settings(max_examples=30, deadline=None)
def test_one_box_over_everything_scores_perfectly_and_saves_nothing(mask):
    mask[3, 3] = True
    counts = region_counts(np.array([[0, 0, SIDE, SIDE]]), mask)
    assert (counts.precision, counts.segmentation_error, counts.data_reduction) == (1, 0, 0)


@given(st.lists(pictures, min_size=1, max_size=3), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_curve_is_monotone_and_agrees_with_counting_each_threshold(given_pictures, seed):
    rng = np.random.default_rng(seed)
    # Few different scores, so that ties and scores equal to a threshold happen.
    scored = [(b, rng.choice(np.float32([0.1, 0.3, 0.7, 0.9]), len(b)), m) for b, m in given_pictures]
    thresholds = [0.0, 0.1, 0.2, 0.3, 0.7, 0.8, 1.0]
    curve = region_curve(scored, thresholds)
    assert list(curve["score_threshold"]) == thresholds
    assert curve["segmentation_error"].is_monotonic_increasing
    assert curve["data_reduction"].is_monotonic_increasing
    assert curve["boxes_per_image"].is_monotonic_decreasing
    for row in curve.itertuples():
        pooled = sum((region_counts(b[s >= np.float32(row.score_threshold)], m) for b, s, m in scored), RegionCounts())
        assert row.precision == pytest.approx(pooled.precision, nan_ok=True)
        assert row.strict_precision == pytest.approx(pooled.strict_precision, nan_ok=True)
        assert row.segmentation_error == pytest.approx(pooled.segmentation_error)
        assert row.data_reduction == pytest.approx(pooled.data_reduction)
        assert row.boxes_per_image == pytest.approx(pooled.boxes_per_image)


def test_curve_by_hand():
    boxes = np.array([[0, 0, 3, 4], [0, 5, 15, 15], [15, 5, 30, 15]], dtype=np.float32)  # FP 12 px, two TP 150 px each
    curve = region_curve([(boxes, np.float32([0.2, 0.9, 0.5]), line())], [0.95, 0.9, 0.5, 0.1])
    assert np.isnan(curve["precision"].iloc[0])
    assert list(curve["precision"].iloc[1:]) == pytest.approx([1, 1, 2 / 3])
    assert list(curve["segmentation_error"]) == pytest.approx([1, 0.5, 0, 0])
    assert list(curve["data_reduction"]) == pytest.approx([1, 1 - 150 / 600, 1 - 300 / 600, 1 - 312 / 600])
    assert list(curve["boxes_per_image"]) == pytest.approx([0, 1, 2, 3])


def test_curve_of_pictures_without_boxes_or_of_none():
    curve = region_curve([(NO_BOXES, NO_SCORES, line())], [0.5])
    assert curve.loc[0, "segmentation_error"] == 1
    assert curve.loc[0, "boxes_per_image"] == 0
    nothing = region_curve([], [0.5])
    assert np.isnan(nothing.loc[0, "data_reduction"])
    assert list(region_curve([], []).columns) == list(curve.columns)
