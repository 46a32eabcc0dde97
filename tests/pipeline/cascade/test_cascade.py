import cv2
import numpy as np
import pytest
import torch
from torch import nn

from models.detector import DetectorConfig
from models.segmenter import SegmenterConfig, build_segmenter
from pipeline.cascade.cascade import Cascade
from pipeline.cascade.fusion import pool_opinions
from pipeline.cascade.stage1 import Seen
from pipeline.datasets.boxes import union_mask
from pipeline.settings import CropSettings
from tests.tiny import eager_detector

DETECTOR = DetectorConfig(backbone="resnet18", weights="none", fpn_channels=16, head_convs=1)
CPU = torch.device("cpu")
SEGMENTER = SegmenterConfig(encoder="resnet18", weights="none", decoder_channels=(16, 8, 8))


class Darkness(nn.Module):
    """A segmenter that needs no training: the darker the pixel, the likelier a crack."""

    def __init__(self):
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(-4.0))

    def forward(self, pixels):
        return pixels.mean(dim=1, keepdim=True) * self.slope


def make(segmenter=None, score_threshold=0.5, look_again=False):
    torch.manual_seed(0)
    detector = eager_detector(DETECTOR)
    network = segmenter or build_segmenter(SEGMENTER)
    return Cascade(
        detector, network, SEGMENTER, CropSettings(), score_threshold, 0.5, CPU, runtime="torch", look_again=look_again
    )


def cells_of(mark):
    """Cells of 4 px that hold a pixel of a mark."""
    mark = np.pad(mark, [(0, -side % 4) for side in mark.shape])
    return mark.reshape(mark.shape[0] // 4, 4, -1, 4).max(axis=(1, 3)).astype(np.float32)


NO_CELLS = np.zeros((0, 0), np.float32)


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
    ((_, probability),) = make().segment([picture()], [boxes], [NO_CELLS])
    inside = union_mask(boxes, (100, 150))
    assert (probability[~inside] == 0).all()
    assert (probability[inside] > 0).all()


@pytest.mark.parametrize("size", [(100, 150), (64, 96), (33, 47), (200, 90)])
def test_stitched_crops_equal_the_full_frame_for_a_segmenter_without_context(size):
    cascade = make(Darkness())
    image = picture(*size)
    boxes = np.array([[0, 0, size[1] // 2, size[0] // 3], [size[1] // 3, size[0] // 4, size[1], size[0]]])
    ((_, probability),) = cascade.segment([image], [boxes], [NO_CELLS])
    inside = union_mask(boxes, size)
    np.testing.assert_allclose(probability[inside], cascade.full_frame([image])[0][inside], atol=1e-5)


def test_both_stages_have_a_say_in_a_result():
    cascade = make(Darkness(), score_threshold=0.1)
    image = picture()
    result, (seen,) = cascade(image), cascade.see([image])
    ((_, alone),) = cascade.segment([image], [result.boxes], [NO_CELLS])
    assert (result.probability == pool_opinions(alone, seen.cells, result.boxes, 4)).all()
    assert not (result.probability == alone).all()


def test_no_boxes_no_work():
    ((crops, probability),) = make().segment([picture()], [np.zeros((0, 4))], [NO_CELLS])
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


def test_a_batch_of_any_sizes_says_what_each_picture_says_alone():
    cascade = make(Darkness(), score_threshold=0.1)
    images = [picture(), picture(64, 96), picture(), picture(33, 47)]
    together = cascade.look(images)
    for image, result in zip(images, together, strict=True):
        alone = cascade(image)
        np.testing.assert_allclose(result.boxes, alone.boxes, atol=1e-2)
        assert (result.crops == alone.crops).all()
        np.testing.assert_allclose(result.probability, alone.probability, atol=1e-4)


def test_what_is_said_of_a_picture_does_not_hang_on_those_beside_it():
    """With a segmenter that sees far: crops of two pictures in one sheet would move each other's answers."""
    cascade = make()
    images = [picture(), 255 - picture()]
    boxes = [np.array([[10.0, 20, 60, 50], [90, 60, 140, 95]])] * 2
    together = cascade.segment(images, boxes, [NO_CELLS] * 2)
    for image, own, (_, probability) in zip(images, boxes, together, strict=True):
        ((_, alone),) = cascade.segment([image], [own], [NO_CELLS])
        assert (probability == alone).all()


def test_no_pictures_no_results():
    cascade = make()
    assert cascade.look([]) == []


def test_a_large_picture_is_seen_in_tiles_and_no_crack_is_lost(monkeypatch):
    """A detector that marks dark pixels finds the same in tiles as in one piece."""
    image = np.full((1700, 1100, 3), 200, np.uint8)
    patches = ((5, 5), (500, 850), (1000, 1690), (545, 930), (1090, 20))
    for x, y in patches:
        image[y : y + 8, x : x + 8] = 0
    cascade = make(Darkness(), score_threshold=0.5)  # of four cells, all sure: √½

    def mark_dark(images, batch, shape, min_score):
        seen = []
        for index, tile in batch:
            x1, y1, x2, y2 = tile.frame
            dark = (images[index][y1:y2, x1:x2, 0] < 50).astype(np.uint8)
            _, _, stats, _ = cv2.connectedComponentsWithStats(dark)
            boxes = np.array([[x, y, x + w, y + h] for x, y, w, h, _ in stats[1:]], np.float32).reshape(-1, 4)
            seen.append(Seen((boxes, np.ones(len(boxes), np.float32)), cells_of(dark), shape))
        return seen

    monkeypatch.setattr(cascade, "_detect_batch", mark_dark)
    result = cascade(image)
    assert len(result.boxes) == 5
    for x, y in patches:
        ((x1, y1, x2, y2),) = (box for box in result.boxes if box[0] <= x < box[2] and box[1] <= y < box[3])
        assert x - 8 < x1 <= x < x + 8 <= x2 < x + 16  # a cell of 4 px, and another where a tile begins inside one
        assert y - 8 < y1 <= y < y + 8 <= y2 < y + 16
    assert (result.mask == (image[..., 0] < 50)).all()


def test_a_picture_full_of_boxes_is_segmented_whole():
    image = picture(96, 160)
    boxes = np.array([[x, y, x + 30, y + 30] for x in range(0, 150, 26) for y in range(0, 80, 22)], np.float64)
    cascade = make()
    ((crops, probability),) = cascade.segment([image], [boxes], [NO_CELLS])
    assert crops.tolist() == [[0, 0, 160, 96]]
    inside = union_mask(boxes, (96, 160))
    assert (probability[inside] == cascade.full_frame([image])[0][inside]).all()
    assert not probability[~inside].any()


def test_looking_again_tells_the_same_of_what_needs_no_context_but_at_edges():
    image = np.full((100, 150, 3), 200, np.uint8)
    image[26:40, 20:45] = 10
    boxes = np.array([[10.0, 20, 60, 50], [90, 60, 140, 95]])
    once, often = make(Darkness()), make(Darkness(), look_again=True)
    (one,), (other,) = once.segment([image], [boxes], [NO_CELLS]), often.segment([image], [boxes], [NO_CELLS])
    np.testing.assert_array_equal(one[0], other[0])
    np.testing.assert_array_equal(one[1] >= 0.5, other[1] >= 0.5)
    edge = np.zeros((100, 150), np.uint8)
    cv2.rectangle(edge, (20, 26), (44, 39), 1, thickness=3)
    np.testing.assert_allclose(one[1][edge == 0], other[1][edge == 0], atol=1e-5)
    whole, often_whole = once.full_frame([image])[0], often.full_frame([image])[0]
    np.testing.assert_allclose(whole[edge == 0], often_whole[edge == 0], atol=1e-5)


def test_without_the_head_for_cells_boxes_are_as_the_detector_gives_them():
    torch.manual_seed(0)
    detector = eager_detector(DETECTOR.model_copy(update={"cells": False}))
    cascade = Cascade(detector, Darkness(), SEGMENTER, CropSettings(), 0.1, 0.5, CPU, runtime="torch")
    ((boxes, scores),) = cascade.detect([picture()], 0.1)
    assert len(boxes) == len(scores) > 0
    assert (boxes % 4 != 0).any()


def test_a_picture_turned_round_gets_the_answer_turned_round():
    cascade = make(look_again=True)
    image = picture(320, 320)  # enlarged to 416, and so never padded: padding is on one side
    around = np.ascontiguousarray(image[::-1, ::-1])
    whole, turned = cascade.full_frame([image])[0], cascade.full_frame([around])[0]
    np.testing.assert_allclose(whole, turned[::-1, ::-1], atol=1e-4)


def test_a_large_picture_is_seen_without_the_head_for_cells_too():
    detector = eager_detector(DETECTOR.model_copy(update={"cells": False}))
    cascade = Cascade(detector, Darkness(), SEGMENTER, CropSettings(), 0.1, 0.5, CPU, runtime="torch")
    ((boxes, _),) = cascade.detect([np.zeros((1600, 64, 3), np.uint8)], 0.1)
    assert boxes.shape[1] == 4


def test_stage_1_looking_again_sees_a_picture_turned_round_as_the_picture():
    cascade = make(look_again=True)
    image = picture(128, 192)
    (one,), (turned,) = cascade.see([image]), cascade.see([np.ascontiguousarray(image[::-1, ::-1])])
    np.testing.assert_allclose(one.cells, turned.cells[::-1, ::-1], atol=1e-5)
    assert len(one.found[0]) == len(turned.found[0])
    (once,) = make().see([image])
    assert np.abs(once.cells - one.cells).max() > 1e-4
