import numpy as np

from models.detections import Detections
from pipeline.cascade.stage1_output import at_least, best_first, inside_core
from pipeline.cascade.tiles import Tile


def detected(*rows):
    table = np.array(rows, np.float32).reshape(-1, 5)
    return Detections(table[:, :4], table[:, 4])


def test_a_tile_tells_of_what_has_its_middle_in_its_core():
    tile = Tile(frame=(100, 0, 300, 200), core=(150, 0, 250, 200))
    boxes, scores = inside_core(detected((50, 10, 70, 30, 0.75), (0, 0, 20, 20, 0.5)), tile)
    assert boxes.tolist() == [[150, 10, 170, 30]]
    assert scores.tolist() == [0.75]


def test_tiles_are_joined_best_first():
    boxes, scores = best_first([detected((0, 0, 1, 1, 0.25)), detected((2, 2, 3, 3, 0.5))])
    assert boxes.tolist() == [[2, 2, 3, 3], [0, 0, 1, 1]]
    assert scores.tolist() == [0.5, 0.25]


def test_a_score_equal_to_the_threshold_stays():
    boxes, scores = at_least(detected((0, 0, 1, 1, 0.5), (2, 2, 3, 3, 0.25)), 0.5)
    assert boxes.tolist() == [[0, 0, 1, 1]]
    assert scores.tolist() == [0.5]
    assert at_least(detected(), 0.5).boxes.shape == (0, 4)
