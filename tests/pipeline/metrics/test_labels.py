from __future__ import annotations

import math

import numpy as np
import pytest

from pipeline.metrics import RegionCounts, anchor_recall, oracle, region_counts

NO_BOXES = np.zeros((0, 4), dtype=np.float32)


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
    pictures = [(np.array([[3, 5, 8, 6]]), mask), (NO_BOXES, np.zeros_like(mask))]
    result = oracle(sum((region_counts(*picture) for picture in pictures), RegionCounts()))
    assert result.oracle_data_reduction == pytest.approx(1 - 5 / 400)
    assert result.oracle_boxes_per_image == 0.5
    assert math.isnan(oracle(RegionCounts()).oracle_data_reduction)
