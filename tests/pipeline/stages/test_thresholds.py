from types import SimpleNamespace

import numpy as np
import pytest

from pipeline.datasets.base import Sample
from pipeline.stages.thresholds import choose_thresholds, equal_quality_threshold


def found(probability, boxes):
    table = np.array(boxes, np.float32)
    return SimpleNamespace(probability=probability, boxes=table[:, :4], scores=table[:, 4])


def test_each_way_gets_its_own_best_probability_threshold():
    """A faint crack in a box, a clear one, and a stain that is surer than the faint one where no box lies."""
    truth = np.zeros((60, 60), bool)
    truth[10, 5:55] = truth[30, 5:55] = True
    everywhere = np.where(truth, np.float32(0.8), np.float32(0))
    everywhere[30, 5:55] = 0.3
    everywhere[40:55, 5:55] = 0.4
    in_boxes = everywhere.copy()
    in_boxes[40:55] = 0
    cascade = SimpleNamespace(
        score_threshold=0.2,
        look=lambda images: [found(in_boxes, [(0, 0, 60, 40, 0.905)]) for _ in images],
        full_frame=lambda images: [everywhere for _ in images],
    )
    sample = Sample("road", "road", np.zeros((60, 60, 3), np.uint8), truth)
    chosen = choose_thresholds(cascade, [sample])
    assert chosen["probability_threshold"] == pytest.approx(0.18, abs=0.13)  # both cracks
    assert chosen["full_frame_threshold"] > 0.4  # the clear one alone: the stain would cost more than the faint one
    assert chosen["swift_score_threshold"] == pytest.approx(
        0.9
    )  # the box is needed, and the full frame is worse than the cascade


def test_a_fixed_threshold_of_pixels_serves_both_ways():
    truth = np.zeros((20, 20), bool)
    truth[10] = True
    probability = np.where(truth, np.float32(0.8), np.float32(0))
    cascade = SimpleNamespace(
        score_threshold=0.2,
        look=lambda images: [found(probability, [(0, 0, 20, 20, 0.6)])],
        full_frame=lambda images: [probability],
    )
    chosen = choose_thresholds(cascade, [Sample("a", "a", np.zeros((20, 20, 3), np.uint8), truth)], fixed=0.5)
    assert chosen == {"probability_threshold": 0.5, "full_frame_threshold": 0.5, "swift_score_threshold": 0.6}


@pytest.mark.parametrize(("goal", "expected"), [(1.0, 0.4), (0.6, 0.7), (0.1, 0.9)])
def test_boxes_are_given_up_for_as_long_as_the_masks_stay_good_enough(goal, expected):
    """Three cracks of one length: without the least sure F1 is 4/5, with the surest alone 1/2, with none 0."""
    truth = np.zeros((60, 60), bool)
    truth[[10, 30, 50], 5:55] = True
    boxes = [(0, 0, 60, 20, 0.905), (0, 20, 60, 40, 0.705), (0, 40, 60, 60, 0.405)]
    samples = [Sample("road", "road", np.zeros((60, 60, 3), np.uint8), truth)]
    results = [found(truth.astype(np.float32), boxes)]
    assert equal_quality_threshold(results, samples, 0.2, 0.5, goal) == pytest.approx(expected)


def test_masks_that_fall_short_anyway_keep_the_threshold_they_have():
    truth = np.ones((9, 9), bool)
    samples = [Sample("road", "road", np.zeros((9, 9, 3), np.uint8), truth)]
    results = [found(np.zeros((9, 9), np.float32), [(0, 0, 9, 9, 0.9)])]
    assert equal_quality_threshold(results, samples, 0.2, 0.5, goal=0.9) == 0.2
