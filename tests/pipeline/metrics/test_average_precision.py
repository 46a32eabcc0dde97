from __future__ import annotations

import math

import numpy as np
import pytest

from pipeline.metrics import (
    ap50,
)

NO_BOXES = np.zeros((0, 4), dtype=np.float32)


TRUTH = np.array([[0, 0, 10, 10], [20, 0, 30, 10]], dtype=np.int64)
NEAR = np.array([[0, 0, 10, 6]])  # IoU 0.6 with the first
FAR = np.array([[0, 0, 10, 4]])  # IoU 0.4


@pytest.mark.parametrize(
    ("boxes", "scores", "truth", "expected"),
    [
        (TRUTH, [0.9, 0.8], TRUTH, 1.0),
        (NO_BOXES, [], TRUTH, 0.0),
        (NO_BOXES, [], NO_BOXES, math.nan),
        (TRUTH, [0.9, 0.8], NO_BOXES, math.nan),
        # Recall stops at 1 of 2 with precision 1: recall points 0, 0.01 … 0.50, 51 of 101
        (NEAR, [0.9], TRUTH, 51 / 101),
        (FAR, [0.9], TRUTH, 0.0),
        # A false box above one true box: precision 1/2 at recall 1
        (np.array([[50, 50, 60, 60], [0, 0, 10, 10]]), [0.9, 0.8], TRUTH[:1], 0.5),
    ],
)
def test_ap50_by_hand(boxes, scores, truth, expected, capsys):
    value = ap50([(np.asarray(boxes, dtype=np.float32), np.array(scores, dtype=np.float32), truth)])
    assert value == pytest.approx(expected, nan_ok=True)
    assert capsys.readouterr().out == ""


def test_ap50_pools_pictures_with_and_without_boxes():
    # Two truths, in different pictures, the second without detections; a clean picture with one false, weaker box
    scored = [(TRUTH[:1], [0.9], TRUTH[:1]), (NO_BOXES, [], TRUTH[:1]), (TRUTH[:1], [0.1], NO_BOXES)]
    assert ap50(scored) == pytest.approx(51 / 101)
