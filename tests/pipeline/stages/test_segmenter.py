from types import SimpleNamespace

import numpy as np

from pipeline.cascade.crack_pixels import crack_pixels
from pipeline.datasets.base import Sample
from pipeline.stages.segmenter import choose_probability_thresholds


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
        look=lambda images: [SimpleNamespace(probability=in_boxes) for _ in images],
        stage2=SimpleNamespace(full_frame=lambda images: [everywhere for _ in images]),
    )
    sample = Sample("road", "road", np.zeros((60, 60, 3), np.uint8), truth)
    chosen = choose_probability_thresholds(cascade, [sample])
    assert chosen["flank_share"] == 0  # of several as good, that which leaves no pixel out
    ways = {"probability_threshold": in_boxes, "full_frame_threshold": everywhere}
    cut = {name: probability >= chosen[name] for name, probability in ways.items()}
    assert (cut["probability_threshold"] == truth).all()  # both cracks
    assert (
        cut["full_frame_threshold"] == (everywhere == np.float32(0.8))
    ).all()  # the clear one alone: the stain would cost more than the faint one


def test_flanks_of_a_clear_crack_are_left_out_where_that_lets_a_faint_one_in():
    truth = np.zeros((60, 60), bool)
    truth[10, 5:55] = truth[30, 5:55] = True
    probability = np.where(truth, np.float32(0.9), np.float32(0))
    probability[[9, 11], 5:55], probability[30, 5:55] = 0.5, 0.3
    cascade = SimpleNamespace(
        look=lambda images: [SimpleNamespace(probability=probability) for _ in images],
        stage2=SimpleNamespace(full_frame=lambda images: [probability for _ in images]),
    )
    chosen = choose_probability_thresholds(cascade, [Sample("road", "road", np.zeros((60, 60, 3), np.uint8), truth)])
    mask = crack_pixels(probability, chosen["probability_threshold"], chosen["flank_share"])
    assert (mask == truth).all()
    assert chosen["flank_share"] == 0.6  # 0.5 of 0.9 is more than 0.5 of it


def test_masks_that_are_fragments_have_no_say_where_there_are_others():
    """In one picture the clear crack alone is labelled, in the other the faint one too."""
    whole = np.zeros((60, 60), bool)
    whole[10, 5:55] = whole[30, 5:55] = True
    fragment = whole.copy()
    fragment[30] = False
    probability = np.where(fragment, np.float32(0.9), np.where(whole, np.float32(0.3), np.float32(0)))
    cascade = SimpleNamespace(
        look=lambda images: [SimpleNamespace(probability=probability) for _ in images],
        stage2=SimpleNamespace(full_frame=lambda images: [probability for _ in images]),
    )
    samples = [Sample(name, name, np.zeros((60, 60, 3), np.uint8), mask) for name, mask in
               (("road", fragment), ("lane", fragment), ("street", whole))]  # fmt: skip
    sets = ["survey", "survey", "close"]
    chosen = choose_probability_thresholds(cascade, samples, sets, {"survey"})
    assert chosen["probability_threshold"] <= 0.3
    assert choose_probability_thresholds(cascade, samples[:2], sets[:2], {"survey"})["probability_threshold"] > 0.3
