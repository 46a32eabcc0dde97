from dataclasses import fields

import numpy as np
import pytest

from models.coarse_mask import BoxSplitting, CoarseBoxes
from models.detections import Detections
from pipeline.cascade.stage1_output import Stage1Output
from pipeline.metrics import RegionCounts
from pipeline.settings import ThresholdSettings
from pipeline.training.operating_point import (
    COARSE_THRESHOLDS,
    SCORES,
    Candidates,
    candidates_of,
    choose_operating_point,
)

SPLITTING = BoxSplitting(min_mass=1, min_saving_px=16)


def picture(sure=0.9, faint=0.005, specks=0.002, row=11):
    """A picture of 48 × 40 px: a sure crack of 12 coarse pixels, a faint one of 12, a row of specks, fainter still."""
    coarse_mask = np.full((12, 10), 0.0001, np.float32)
    coarse_mask[0:2, 0:6], coarse_mask[5:7, 0:6], coarse_mask[row] = sure, faint, specks
    mask = np.zeros((48, 40), bool)
    mask[4, 0:24] = mask[24, 0:24] = True
    everywhere = Detections(np.array([[0, 0, 40, 48]], np.float32), np.ones(1, np.float32))
    return Stage1Output(everywhere, coarse_mask, (48, 40)), mask


def choose(thresholds, **changes):
    output, mask = picture(**changes)
    fixed = thresholds.coarse_mask
    coarse = COARSE_THRESHOLDS if fixed is None else [fixed]
    return choose_operating_point(
        candidates_of([(output, mask, None)], SPLITTING, 4, coarse, score=thresholds.score), thresholds
    )


def test_boxes_hold_as_little_as_the_error_allows():
    point = choose(ThresholdSettings(target_error=0.01, target_precision=0.9), row=8)  # beside the faint crack
    assert 0.002 < point.coarse_boxes.threshold <= 0.005  # above, the faint crack is lost: half of all pixels
    assert point.score_threshold <= 0.07  # its box scores √0.005
    half = choose(ThresholdSettings(target_error=0.5, target_precision=0.9), row=8)
    assert half.coarse_boxes.threshold > 0.005  # where half may be missed, it is


def test_the_score_threshold_keeps_its_distance_from_both_ends():
    """The speck's box scores √0.002 and the faint crack's √0.3: the median of what lies between."""
    point = choose(ThresholdSettings(coarse_mask=0.002, target_precision=0.9), faint=0.3)
    assert point.coarse_boxes.threshold == 0.002
    assert point.score_threshold == pytest.approx((0.05 + 0.54) / 2, abs=0.02)


def test_where_nothing_is_as_precise_as_wanted_the_error_still_counts():
    """Only the road is marked besides the crack, and as surely: one box of two is false at every threshold."""
    point = choose(ThresholdSettings(target_error=0.01, target_precision=0.9), faint=0.9, specks=0.9)
    row = point.curve[np.isclose(point.curve["score_threshold"], point.score_threshold)].iloc[0]
    assert row["segmentation_error"] == 0
    assert row["precision"] == pytest.approx(2 / 3)


def test_what_is_fixed_stays():
    point = choose(ThresholdSettings(coarse_mask=0.02, score=0.4))
    assert (point.coarse_boxes.threshold, point.score_threshold) == (0.02, 0.4)


def test_a_score_that_is_fixed_between_two_of_the_grid_is_counted_at_exactly():
    boxes = np.array([[0, 0, 40, 8], [0, 20, 40, 28], [0, 40, 40, 48]], np.float32)
    _, mask = picture()
    output = Stage1Output(
        Detections(boxes, np.array([0.9, 0.607, 0.602], np.float32)), np.zeros((0, 0), np.float32), (48, 40)
    )
    for score, expected in ((0.6, 3), (0.604, 2), (0.609, 1)):  # the nearest of the grid are 0.6, 0.6 and 0.61
        thresholds = ThresholdSettings(score=score)
        point = choose_operating_point(candidates_of([(output, mask, None)], SPLITTING, None, score=score), thresholds)
        assert point.score_threshold == score
        assert point.figures["data_reduction"] == pytest.approx(1 - expected * 8 / 48)
        row = point.curve[point.curve["score_threshold"] == score].iloc[0]
        assert row["boxes_per_image"] == expected


def test_where_no_target_can_be_reached_least_is_missed():
    point = choose(ThresholdSettings(target_error=0.01), faint=0.0001)
    row = point.curve[np.isclose(point.curve["score_threshold"], point.score_threshold)].iloc[0]
    assert row["segmentation_error"] == 0.5


def test_precision_is_not_given_away_for_the_last_pixels_of_an_error_out_of_reach():
    """At the lowest score 40 px of 1,000 are missed among many false boxes, at the next 42 px and none is false."""
    scores = {(0, 0): (4, 900), **{(0, score): (4, 800) for score in range(1, 40)}}
    worse = {**scores, **{(0, score): (6, 800) for score in range(1, 40)}}
    candidates = candidates_at(*[scores] * 9, worse)
    named = {field.name: index for index, field in enumerate(fields(RegionCounts))}
    candidates.counts[:, 0, 0, named["fp"]] = 9
    point = choose_operating_point(candidates, ThresholdSettings(target_error=0.02, target_precision=0.8))
    assert SCORES[0] < point.score_threshold < SCORES[39]
    assert point.figures["precision"] == 1
    assert point.figures["segmentation_error"] == pytest.approx(0.042)
    assert not point.on_validation(ThresholdSettings(target_error=0.02))["val_targets_met"]


def test_reduction_is_not_given_away_for_the_last_false_box_of_a_precision_out_of_reach():
    """The lower threshold of the coarse mask boxes twice the road and has 20 false boxes of 100, the upper one 21."""
    pairs = {(way, score): (0, 8000 if way == 0 else 4000) for way in (0, 1) for score in range(40)}
    candidates = candidates_at(*[pairs] * 9)
    named = {field.name: index for index, field in enumerate(fields(RegionCounts))}
    for way, false in enumerate((20, 21)):
        candidates.counts[:, way, :40, named["tp"]] = 100 - false
        candidates.counts[:, way, :40, named["fp"]] = false
    point = choose_operating_point(candidates, ThresholdSettings(target_error=0.02, target_precision=0.95))
    assert point.figures["precision"] == pytest.approx(0.79)
    assert point.figures["data_reduction"] == pytest.approx(0.6)
    assert not point.on_validation(ThresholdSettings(target_precision=0.95))["val_targets_met"]


def test_without_a_coarse_mask_only_the_score_is_chosen():
    boxes = np.array([[0, 0, 40, 8], [0, 20, 40, 28], [0, 40, 40, 48]], np.float32)
    _, mask = picture()
    output = Stage1Output(
        Detections(boxes, np.array([0.9, 0.6, 0.2], np.float32)), np.zeros((0, 0), np.float32), (48, 40)
    )
    point = choose_operating_point(candidates_of([(output, mask, None)], SPLITTING, None), ThresholdSettings())
    assert 0.2 < point.score_threshold <= 0.6
    assert point.coarse_boxes.threshold == COARSE_THRESHOLDS[0]


def test_draws_of_pictures_that_are_alike_agree_with_each_of_them():
    thresholds = ThresholdSettings(target_error=0.01, target_precision=0.9)
    output, mask = picture(row=8)
    many = candidates_of([(output, mask, None)] * 5, SPLITTING, 4)
    assert many.counts.shape == (5, len(COARSE_THRESHOLDS), len(SCORES), 8)
    point, alone = choose_operating_point(many, thresholds), choose(thresholds, row=8)
    assert point[:2] == alone[:2]
    assert point.figures == pytest.approx(alone.figures)


def test_a_picture_that_few_draws_hold_twice_does_not_decide():
    """One picture of ten whose crack nothing finds may be missed at 12 % of error, but not twice: one draw in four."""
    ordinary, blank = picture(row=8, faint=0.3), picture(sure=0.0001, faint=0.0001, row=8)
    thresholds = ThresholdSettings(target_error=0.12, target_precision=0.9)
    pictures = [(*each, None) for each in [ordinary] * 9 + [blank]]
    point = choose_operating_point(candidates_of(pictures, SPLITTING, 4), thresholds)
    assert point[:2] == choose(thresholds, row=8, faint=0.3)[:2]


def candidates_at(*pictures):
    """Candidates of two ways and all scores: of each picture, what (way, score) pairs miss of its 100 crack pixels."""
    counts = np.zeros((len(pictures), 2, len(SCORES), len(fields(RegionCounts))), np.int64)
    named = {field.name: index for index, field in enumerate(fields(RegionCounts))}
    for own, missed in zip(counts, pictures, strict=True):
        own[..., named["tp"]], own[..., named["pictures"]] = 1, 1
        own[..., named["crack_px"]], own[..., named["frame_px"]] = 100, 10_000
        own[..., named["missed_px"]] = 100
        for pair, (count, union) in missed.items():
            own[(*pair, named["missed_px"])], own[(*pair, named["union_px"])] = count, union
    return Candidates([CoarseBoxes(threshold=0.01), CoarseBoxes(threshold=0.02)], counts)


def test_the_pair_is_one_that_keeps_to_the_targets_on_all_pictures():
    """Either way is sure of its own kind of picture at a score of its own; the medians of both would miss all."""
    kinds = {(0, 10): (0, 900), (1, 80): (0, 500)}, {(0, 10): (0, 500), (1, 80): (0, 900)}
    point = choose_operating_point(candidates_at(*kinds, *kinds), ThresholdSettings())
    assert (point.coarse_boxes.threshold, point.score_threshold) in {(0.01, SCORES[10]), (0.02, SCORES[80])}
    assert point.on_validation(ThresholdSettings())["val_targets_met"]


def test_a_pair_that_few_draws_miss_is_worth_more_than_a_little_more_reduction():
    """One picture of ten just lets the bolder pair keep to 1 %, and one draw in four holds it twice."""
    steady, bold = {(0, 40): (0, 1500), (1, 40): (0, 1400)}, {(0, 40): (0, 1500), (1, 40): (10, 1400)}
    thresholds = ThresholdSettings(target_error=0.01)
    point = choose_operating_point(candidates_at(*[steady] * 9, bold), thresholds)
    assert point.coarse_boxes.threshold == 0.01
    assert choose_operating_point(candidates_at(*[steady] * 10), thresholds).coarse_boxes.threshold == 0.02


def test_of_pairs_of_equal_worth_the_middle_one_is_taken_by_its_score_too():
    equal = {(way, score): (0, 1500) for way in (0, 1) for score in range(20, 61)}
    point = choose_operating_point(candidates_at(*[equal] * 5), ThresholdSettings())
    assert point.score_threshold == SCORES[40]


@pytest.mark.parametrize("seed", range(20))
def test_the_targets_are_met_wherever_the_whole_of_validation_lets_them(seed):
    rng = np.random.default_rng(seed)
    cells = [(way, score) for way in (0, 1) for score in range(0, 99, 9)]
    pictures = [{cell: (int(rng.integers(0, 4)), int(rng.integers(0, 5000))) for cell in cells} for _ in range(8)]
    candidates = candidates_at(*pictures)
    thresholds = ThresholdSettings(target_error=0.013)
    named = {field.name: index for index, field in enumerate(fields(RegionCounts))}
    missed = candidates.counts.sum(axis=0)[..., named["missed_px"]] / 800
    point = choose_operating_point(candidates, thresholds).on_validation(thresholds)
    assert point["val_targets_met"] == bool((missed <= 0.013).any())
    assert point["val_segmentation_error"] <= (0.013 if missed.min() <= 0.013 else 1.1 * missed.min())


def test_what_misses_its_targets_is_recorded_as_that():
    thresholds = ThresholdSettings(target_error=0.01)
    had = choose(thresholds, faint=0.0001).on_validation(thresholds)
    assert had["val_segmentation_error"] == 0.5
    assert had["val_targets_met"] is False


def test_each_data_set_weighs_the_same():
    """Ten pictures of wide cracks against two of thin ones: one threshold costs half of these."""
    wide = {(0, 10): (0, 900), (0, 80): (2, 500), (1, 10): (100, 0), (1, 80): (100, 0)}
    thin = {(0, 10): (0, 900), (0, 80): (50, 500), (1, 10): (100, 0), (1, 80): (100, 0)}
    candidates, thresholds = candidates_at(*[wide] * 10, *[thin] * 2), ThresholdSettings(target_error=0.2)
    pooled = choose_operating_point(candidates, thresholds)
    assert pooled.score_threshold == SCORES[80]  # 120 px of 1,200 missed
    by_set = choose_operating_point(candidates, thresholds, ["wide"] * 10 + ["thin"] * 2)
    assert by_set.score_threshold == SCORES[10]  # at 80 the mean of both is 26 %
    assert by_set.by_set["thin"]["segmentation_error"] == 0
    loose = choose_operating_point(candidates, ThresholdSettings(target_error=0.3), ["wide"] * 10 + ["thin"] * 2)
    assert loose.score_threshold == SCORES[80]
    assert loose.figures["segmentation_error"] == pytest.approx((0.02 + 0.5) / 2)


def test_a_set_without_crack_is_counted_with_the_others():
    candidates = candidates_at({(0, 10): (0, 900)}, {(0, 10): (0, 100)})
    named = {field.name: index for index, field in enumerate(fields(RegionCounts))}
    candidates.counts[1, ..., [named["crack_px"], named["missed_px"], named["tp"]]] = 0
    candidates.counts[1, ..., named["fp"]] = 1
    point = choose_operating_point(candidates, ThresholdSettings(), ["cracked", "clean"])
    assert list(point.by_set) == ["cracked"]
    assert point.by_set["cracked"]["precision"] == 0.5
