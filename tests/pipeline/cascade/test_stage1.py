import numpy as np

from pipeline.cascade.stage1 import best_first, own_part
from pipeline.cascade.tiles import Tile


def found(*rows):
    table = np.array(rows, np.float32).reshape(-1, 5)
    return table[:, :4], table[:, 4]


def test_a_tile_tells_of_what_has_its_middle_in_its_own_part():
    tile = Tile(frame=(100, 0, 300, 200), own=(150, 0, 250, 200))
    boxes, scores = own_part(found((50, 10, 70, 30, 0.75), (0, 0, 20, 20, 0.5)), tile)
    assert boxes.tolist() == [[150, 10, 170, 30]]
    assert scores.tolist() == [0.75]


def test_tiles_are_joined_best_first():
    boxes, scores = best_first([found((0, 0, 1, 1, 0.25)), found((2, 2, 3, 3, 0.5))])
    assert boxes.tolist() == [[2, 2, 3, 3], [0, 0, 1, 1]]
    assert scores.tolist() == [0.5, 0.25]
