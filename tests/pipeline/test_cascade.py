import numpy as np
import pytest
import torch
from torch import nn

from models.detector import DetectorConfig, build_detector
from models.segmenter import SegmenterConfig, build_segmenter
from pipeline.boxes import union_mask
from pipeline.cascade import Cascade
from pipeline.settings import CropSettings

DETECTOR = DetectorConfig(backbone="resnet18", weights="none", fpn_channels=16, head_convs=1)
SEGMENTER = SegmenterConfig(encoder="resnet18", weights="none", decoder_channels=(16, 8, 8))


class Darkness(nn.Module):
    """A segmenter that needs no training: the darker the pixel, the likelier a crack."""

    def forward(self, pixels):
        return -pixels.mean(dim=1, keepdim=True) * 4


def make(segmenter=None, score_threshold=0.5):
    torch.manual_seed(0)
    detector = build_detector(DETECTOR)
    nn.init.normal_(detector.head.classification_head.cls_logits.weight, std=0.5)
    network = segmenter or build_segmenter(SEGMENTER)
    return Cascade(detector, network, SEGMENTER, CropSettings(), score_threshold, 0.5, torch.device("cpu"))


def picture(height=100, width=150):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_a_result_is_whole():
    result = make(score_threshold=0.1)(picture())
    assert len(result.boxes) == len(result.scores) > 0
    assert (result.scores >= 0.1).all()
    assert (np.diff(result.scores) <= 0).all()
    assert result.probability.shape == result.mask.shape == (100, 150)
    assert result.probability.dtype == np.float32
    assert (result.mask == (result.probability >= 0.5)).all()
    assert result.detect_ms > 0 < result.segment_ms


def test_outside_every_box_is_background():
    boxes = np.array([[10.0, 20, 60, 50], [90, 60, 140, 95]])
    _, probability = make().segment(picture(), boxes)
    inside = union_mask(boxes, (100, 150))
    assert (probability[~inside] == 0).all()
    assert (probability[inside] > 0).all()


@pytest.mark.parametrize("size", [(100, 150), (64, 96), (33, 47), (200, 90)])
def test_stitched_crops_equal_the_full_frame_for_a_segmenter_without_context(size):
    cascade = make(Darkness())
    image = picture(*size)
    boxes = np.array([[0, 0, size[1] // 2, size[0] // 3], [size[1] // 3, size[0] // 4, size[1], size[0]]])
    _, probability = cascade.segment(image, boxes)
    inside = union_mask(boxes, size)
    np.testing.assert_allclose(probability[inside], cascade.full_frame(image)[inside], atol=1e-5)


def test_no_boxes_no_work():
    crops, probability = make().segment(picture(), np.zeros((0, 4)))
    assert crops.shape == (0, 4)
    assert not probability.any()
    result = make(score_threshold=1.0)(picture())
    assert len(result.boxes) == 0
    assert not result.mask.any()


def test_the_same_picture_gives_the_same_answer():
    cascade = make(score_threshold=0.1)
    first, second = cascade(picture()), cascade(picture())
    assert (first.boxes == second.boxes).all()
    assert (first.probability == second.probability).all()
