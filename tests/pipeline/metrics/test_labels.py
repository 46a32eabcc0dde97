from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import box_iou as torchvision_box_iou

from pipeline.metrics import anchor_recall, box_iou, oracle

NO_BOXES = np.zeros((0, 4), dtype=np.float32)


@st.composite
def box_arrays(draw):
    rows = draw(st.lists(st.tuples(*[st.integers(0, 40)] * 2, *[st.integers(1, 30)] * 2), max_size=5))
    return np.array([[x, y, x + w, y + h] for x, y, w, h in rows], dtype=np.int64).reshape(-1, 4)


@given(box_arrays(), box_arrays())
@settings(max_examples=60, deadline=None)
def test_box_iou_is_symmetric_and_agrees_with_torchvision(a, b):
    iou = box_iou(a, b)
    assert iou.shape == (len(a), len(b))
    assert np.array_equal(iou, box_iou(b, a).T)
    assert iou == pytest.approx(torchvision_box_iou(torch.tensor(a).double(), torch.tensor(b).double()).numpy())
    assert np.diag(box_iou(a, a)) == pytest.approx(np.ones(len(a)))


@pytest.mark.parametrize(
    ("boxes", "anchors", "expected"),
    [
        (NO_BOXES, [[0, 0, 8, 8]], math.nan),
        ([[0, 0, 8, 8]], NO_BOXES, 0.0),
        ([[0, 0, 8, 8]], [[0, 0, 8, 8]], 1.0),
        # 32 / 64 = 0.5 meets, 24 / 64 does not
        ([[0, 0, 8, 8], [100, 0, 108, 8]], [[0, 0, 8, 4], [100, 0, 108, 3]], 0.5),
    ],
)
def test_anchor_recall_by_hand(boxes, anchors, expected):
    assert anchor_recall(np.asarray(boxes), np.asarray(anchors)) == pytest.approx(expected, nan_ok=True)


def test_anchor_recall_of_many_boxes():
    corners = np.random.default_rng(1).integers(0, 100, (150, 2))
    boxes = np.concatenate([corners, corners + 10], axis=1)
    assert anchor_recall(boxes, boxes) == 1
    assert anchor_recall(boxes, boxes[:1] + 1000) == 0
    assert anchor_recall(boxes, boxes, iou=1.01) == 0


def test_oracle_by_hand():
    mask = np.zeros((10, 20), dtype=bool)
    mask[5, 3:8] = True
    # 5 × 1 px in one box of two pictures of 200 px
    result = oracle([np.array([[3, 5, 8, 6]]), NO_BOXES], [mask, np.zeros_like(mask)])
    assert result.oracle_data_reduction == pytest.approx(1 - 5 / 400)
    assert result.oracle_boxes_per_image == 0.5
    assert math.isnan(oracle([], []).oracle_data_reduction)
    with pytest.raises(ValueError, match="argument 2 is"):
        oracle([NO_BOXES], [])
