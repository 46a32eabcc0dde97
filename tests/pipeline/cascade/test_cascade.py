import numpy as np
import pytest
import torch

from models.detector_config import DetectorConfig
from models.errors import BundleError
from models.segmenter import build_segmenter
from pipeline.arrays import union_mask
from pipeline.cascade.fusion import fuse_scores
from tests.tiny import SEGMENTER, Darkness, eager_detector, noise, tiny_cascade

DETECTOR = DetectorConfig(
    backbone="resnet18", weights="none", fpn_channels=16, head_convs=1, deepest=4, levels=(3, 4), anchor_sizes=(12, 24)
)


def make(segmenter=None, score=0.1, **changes):
    torch.manual_seed(0)
    return tiny_cascade(eager_detector(DETECTOR), segmenter, score=score, probability=0.5, **changes)


def test_a_result_is_whole():
    result = make()(noise())
    assert len(result.boxes) == len(result.scores) > 0
    assert (result.scores >= 0.1).all()
    assert (np.diff(result.scores) <= 0).all()
    assert result.probability.shape == result.mask.shape == (100, 150)
    assert result.probability.dtype == np.float32
    assert (result.mask == (result.probability >= 0.5)).all()
    assert not result.probability[~union_mask(result.boxes, (100, 150))].any()
    assert result.detect_ms > 0 < result.segment_ms


def test_both_stages_have_a_say_in_a_result():
    cascade, image = make(Darkness()), noise()
    result, (output,) = cascade(image), cascade.stage1.look([image])
    crops, fine, _ = cascade.stage2.segment(image, result.boxes)
    assert (result.crops == crops).all()
    assert (result.probability == fuse_scores(fine, output.coarse_mask, result.boxes, 4)).all()
    assert not (result.probability == fine).all()


def test_what_stage_2_looked_at_counts_whole_canvases_and_every_look():
    once, often = make(Darkness())(noise()), make(Darkness(), tta=True)(noise())
    assert 0 < once.segmented_share <= 1.4  # a whole picture of 100 × 150 px is filled up to multiples of 32
    assert often.segmented_share > 4 * once.segmented_share
    assert make(score=1.0)(noise()).segmented_share == 0


def test_no_boxes_no_mask():
    result = make(score=1.0)(noise())
    assert len(result.boxes) == 0
    assert not result.mask.any()


def test_the_same_picture_gives_the_same_answer():
    cascade = make()
    first, second = cascade(noise()), cascade(noise())
    assert (first.boxes == second.boxes).all()
    assert (first.probability == second.probability).all()


def test_a_batch_of_any_sizes_says_what_each_picture_says_alone():
    cascade = make(Darkness())
    images = [noise(), noise(64, 96), noise(), noise(33, 47)]
    for image, result in zip(images, cascade.look(images), strict=True):
        alone = cascade(image)
        np.testing.assert_allclose(result.boxes, alone.boxes, atol=1e-2)
        assert (result.crops == alone.crops).all()
        np.testing.assert_allclose(result.probability, alone.probability, atol=1e-4)


def test_no_pictures_no_results():
    assert make().look([]) == []


def test_answers_that_are_not_finite_are_never_no_cracks():
    detector = eager_detector(DETECTOR)
    next(detector.head.parameters()).data.fill_(float("nan"))
    with pytest.raises(BundleError, match="Stage 1"):
        tiny_cascade(detector, None, score=0.1, probability=0.5)(noise())
    segmenter = build_segmenter(SEGMENTER)
    next(segmenter.parameters()).data.fill_(float("nan"))
    with pytest.raises(BundleError, match="Stage 2"):
        make(segmenter)(noise())
