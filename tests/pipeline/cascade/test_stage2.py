import cv2
import numpy as np
import pytest
import torch

from models.runtimes import TorchRuntime
from models.segmenter import build_segmenter
from pipeline.arrays import union_mask
from pipeline.cascade.stage2 import Stage2
from pipeline.settings import CropSettings
from tests.tiny import SEGMENTER, Darkness, noise

BOXES = np.array([[10.0, 20, 60, 50], [90, 60, 140, 95]])


def make(segmenter=None, tta=False):
    torch.manual_seed(0)
    return Stage2(TorchRuntime(), segmenter or build_segmenter(SEGMENTER), SEGMENTER, CropSettings(), tta)


def test_every_box_is_filled():
    crops, probability, _ = make().segment(noise(), BOXES)
    assert (probability[union_mask(BOXES, (100, 150))] > 0).all()
    assert not probability[~union_mask(crops, (100, 150))].any()


@pytest.mark.parametrize("size", [(100, 150), (64, 96), (33, 47), (200, 90)])
def test_stitched_crops_equal_the_full_frame_for_a_segmenter_without_context(size):
    stage2, image = make(Darkness()), noise(*size)
    boxes = np.array([[0, 0, size[1] // 2, size[0] // 3], [size[1] // 3, size[0] // 4, size[1], size[0]]])
    probability = stage2.segment(image, boxes).probability
    inside = union_mask(boxes, size)
    np.testing.assert_allclose(probability[inside], stage2.full_frame([image])[0][inside], atol=1e-5)


def test_no_boxes_no_work():
    crops, probability, _ = make().segment(noise(), np.zeros((0, 4)))
    assert crops.shape == (0, 4)
    assert not probability.any()


def test_a_picture_full_of_boxes_is_segmented_whole():
    image = noise(96, 160)
    boxes = np.array([[x, y, x + 30, y + 30] for x in range(0, 150, 26) for y in range(0, 80, 22)], np.float64)
    stage2 = make()
    crops, probability, _ = stage2.segment(image, boxes)
    assert crops.tolist() == [[0, 0, 160, 96]]
    assert (probability == stage2.full_frame([image])[0]).all()


def test_tta_tells_the_same_of_what_needs_no_context_but_at_edges():
    image = np.full((100, 150, 3), 200, np.uint8)
    image[26:40, 20:45] = 10
    once, often = make(Darkness()), make(Darkness(), tta=True)
    one, other = once.segment(image, BOXES), often.segment(image, BOXES)
    np.testing.assert_array_equal(one.crops, other.crops)
    edge = np.zeros((100, 150), np.uint8)
    cv2.rectangle(edge, (20, 26), (44, 39), 1, thickness=3)
    well_inside = union_mask(BOXES, (100, 150)) & (edge == 0)
    np.testing.assert_allclose(one.probability[well_inside], other.probability[well_inside], atol=1e-5)
    whole, often_whole = once.full_frame([image])[0], often.full_frame([image])[0]
    np.testing.assert_allclose(whole[edge == 0], often_whole[edge == 0], atol=1e-5)


def test_with_tta_a_picture_turned_round_gets_the_answer_turned_round():
    stage2, image = make(tta=True), noise(320, 320)  # enlarged to 416, and so never padded: padding is on one side
    around = np.ascontiguousarray(image[::-1, ::-1])
    whole, turned = stage2.full_frame([image])[0], stage2.full_frame([around])[0]
    np.testing.assert_allclose(whole, turned[::-1, ::-1], atol=1e-4)
