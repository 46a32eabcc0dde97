import numpy as np
import pytest

from pipeline.cascade.tiles import OVERLAP_PX, TILE_PX, tiles_of


@pytest.mark.parametrize("size", [(1, 1), (320, 480), (640, 1024), (1536, 1537), (3072, 4096), (200, 9000)])
def test_every_pixel_is_answered_for_once_by_tiles_of_one_shape(size):
    answered = np.zeros(size, np.uint8)
    shapes = set()
    for tile in tiles_of(size):
        x1, y1, x2, y2 = tile.core
        answered[y1:y2, x1:x2] += 1
        left, top, right, bottom = tile.frame
        assert 0 <= left <= x1 < x2 <= right <= size[1]
        assert 0 <= top <= y1 < y2 <= bottom <= size[0]
        shapes.add((right - left, bottom - top))
    assert (answered == 1).all()
    assert len(shapes) == 1


@pytest.mark.parametrize("size", [(3072, 4096), (1600, 9000)])
def test_a_box_in_the_middle_of_a_tile_s_core_lies_in_it_with_half_the_overlap_around(size):
    for tile in tiles_of(size):
        for low, high, core_low, core_high, end in zip(
            tile.frame[:2], tile.frame[2:], tile.core[:2], tile.core[2:], (size[1], size[0]), strict=True
        ):
            assert low == 0 or core_low - low >= OVERLAP_PX // 2
            assert high == end or high - core_high >= OVERLAP_PX // 2


def test_memory_is_bounded():
    assert all(
        (tile.frame[2] - tile.frame[0]) <= TILE_PX * 3 // 2 and (tile.frame[3] - tile.frame[1]) <= TILE_PX * 3 // 2
        for tile in tiles_of((8000, 12000))
    )
