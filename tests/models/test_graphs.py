import numpy as np
import pytest
import torch

from models.backbones import normalise
from models.detector import build_detector, detector_input, detector_multiple
from models.detector_config import DetectorConfig
from models.graphs import DetectorGraph, SegmenterGraph, fuse_batch_norm, padded_pixels
from models.segmenter import SegmenterConfig, build_segmenter

DETECTOR = DetectorConfig(space_to_depth=1, fpn_channels=16, head_convs=1)  # GroupNorm, SAME padding, ImageNet weights


@pytest.mark.parametrize("backbone", ["resnet18", "resnet50"])
@torch.inference_mode()
def test_fusing_leaves_the_original_alone_and_no_batch_norm(backbone):
    torch.manual_seed(1)
    config = DetectorConfig(
        space_to_depth=1, backbone=backbone, weights="none", levels=(3, 4, 5, 6, 7), anchor_sizes=(8, 16, 32, 64, 128)
    )
    detector = build_detector(config).eval()
    segmenter = build_segmenter(SegmenterConfig(encoder="resnet18", weights="none")).eval()
    images = torch.randint(0, 256, (2, 64, 96, 3), dtype=torch.uint8)
    for graph in (DetectorGraph(detector), SegmenterGraph(segmenter, 32)):
        before = graph(images)
        light = fuse_batch_norm(graph)
        assert any(isinstance(module, torch.nn.BatchNorm2d) for module in graph.modules())
        assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in light.modules())
        torch.testing.assert_close(light(images), before, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(graph(images), before)


@pytest.mark.parametrize("size", [(96, 160), (100, 151), (31, 33)])
@pytest.mark.parametrize("n", [1, 2])
def test_pixels_for_the_detector_are_those_it_was_trained_on(size, n):
    config = DETECTOR.model_copy(update={"space_to_depth": n})
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    padded = padded_pixels([image, image], detector_multiple(config))[1:]
    ours = normalise(torch.from_numpy(padded).permute(0, 3, 1, 2))
    ours = detector_input(ours, config)
    theirs = detector_input(normalise(torch.from_numpy(image).permute(2, 0, 1)[None]), config)
    assert ours.shape == theirs.shape
    half_a_grey_level = 0.51 / 255 / 0.224
    torch.testing.assert_close(ours, theirs, atol=half_a_grey_level, rtol=0)


def test_a_picture_that_fits_is_not_copied():
    image = np.zeros((64, 96, 3), np.uint8)
    assert padded_pixels([image], 32).base is image
