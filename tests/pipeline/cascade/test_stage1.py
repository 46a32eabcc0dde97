import cv2
import numpy as np
import torch

from models.detections import Detections
from models.detector_config import DetectorConfig
from models.graphs import DetectorGraph
from models.runtimes import Eager
from pipeline.cascade.stage1 import Stage1
from pipeline.cascade.stage1_output import Stage1Output
from tests.tiny import eager_detector, noise

DETECTOR = DetectorConfig(
    backbone="resnet18", weights="none", fpn_channels=16, head_convs=1, deepest=4, levels=(3, 4), anchor_sizes=(12, 24)
)


def make(tta=False, **config):
    torch.manual_seed(0)
    detector = eager_detector(DETECTOR.model_copy(update=config))
    return Stage1(detector, Eager(DetectorGraph(detector)), tta=tta)


def coarse(mark):
    """Coarse pixels of 4 px that hold a pixel of a mark."""
    mark = np.pad(mark, [(0, -side % 4) for side in mark.shape])
    return mark.reshape(mark.shape[0] // 4, 4, -1, 4).max(axis=(1, 3)).astype(np.float32)


def test_a_large_picture_is_looked_at_in_tiles_and_no_crack_is_lost(monkeypatch):
    """A detector that marks dark pixels finds the same in tiles as in one piece."""
    image = np.full((1700, 1100, 3), 200, np.uint8)
    patches = ((5, 5), (500, 850), (1000, 1690), (545, 930), (1090, 20))
    for x, y in patches:
        image[y : y + 8, x : x + 8] = 0
    stage1 = make()

    def mark_dark(tiles, min_score):
        outputs = []
        for tile in tiles:
            dark = (tile[..., 0] < 50).astype(np.uint8)
            _, _, stats, _ = cv2.connectedComponentsWithStats(dark)
            boxes = np.array([[x, y, x + w, y + h] for x, y, w, h, _ in stats[1:]], np.float32).reshape(-1, 4)
            sure = Detections(boxes, np.ones(len(boxes), np.float32))
            outputs.append(Stage1Output(sure, coarse(dark), tile.shape[:2]))
        return outputs

    monkeypatch.setattr(stage1, "_run", mark_dark)
    ((boxes, _),) = stage1.detect([image], 0.5)  # of four coarse pixels, all sure: √½
    assert len(boxes) == 5
    for x, y in patches:
        ((x1, y1, x2, y2),) = (box for box in boxes if box[0] <= x < box[2] and box[1] <= y < box[3])
        assert x - 8 < x1 <= x < x + 8 <= x2 < x + 16  # one coarse pixel, and another where a tile begins inside one
        assert y - 8 < y1 <= y < y + 8 <= y2 < y + 16


def test_without_a_coarse_mask_boxes_are_as_the_detector_gives_them():
    ((boxes, scores),) = make(coarse_mask=False).detect([noise()], 0.1)
    assert len(boxes) == len(scores) > 0
    assert (boxes % 4 != 0).any()


def test_without_a_coarse_mask_a_higher_score_is_heeded_when_boxes_are_drawn_too():
    stage1 = make(coarse_mask=False)
    (output,) = stage1.look([noise()], 0.1)
    middle = float(np.median(output.detections.scores))
    assert 0 < len(stage1.draw_boxes(output, middle).boxes) < len(output.detections.boxes)


def test_a_large_picture_is_looked_at_without_a_coarse_mask_too():
    ((boxes, _),) = make(coarse_mask=False).detect([np.zeros((1600, 64, 3), np.uint8)], 0.1)
    assert boxes.shape[1] == 4


def test_with_tta_a_picture_turned_round_gets_the_answer_turned_round():
    stage1, image = make(tta=True), noise(128, 192)
    (one,), (turned,) = stage1.look([image]), stage1.look([np.ascontiguousarray(image[::-1, ::-1])])
    np.testing.assert_allclose(one.coarse_mask, turned.coarse_mask[::-1, ::-1], atol=1e-5)
    assert len(one.detections.boxes) == len(turned.detections.boxes)
    (once,) = make().look([image])
    assert np.abs(once.coarse_mask - one.coarse_mask).max() > 1e-4


def test_no_pictures_nothing_detected():
    assert make().detect([]) == []
