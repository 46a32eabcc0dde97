import numpy as np
import pytest

from pipeline.cascade.tiles import EVEN_PX, MARGIN_PX, OVERLAP_PX, TILE_PX, even_tiles, in_tiles, tiles_of


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


@pytest.mark.parametrize("size", [(1, 1), (320, 480), (1080, 1920), (200, 9000)])
def test_a_picture_that_fits_is_segmented_whole(size):
    (tile,) = even_tiles(size)
    assert tile.frame == tile.core == (0, 0, size[1], size[0])


@pytest.mark.parametrize("size", [(1537, 1538), (3000, 4000), (4000, 6000), (300, 9000), (9000, 12000)])
def test_of_larger_ones_even_tiles_answer_for_every_pixel_once(size):
    answered, shapes, looked = np.zeros(size, np.uint8), set(), 0
    for tile in even_tiles(size):
        (x1, y1, x2, y2), (left, top, right, bottom) = tile.core, tile.frame
        answered[y1:y2, x1:x2] += 1
        for low, high, core_low, core_high, end in ((left, right, x1, x2, size[1]), (top, bottom, y1, y2, size[0])):
            assert 0 <= low <= core_low < core_high <= high <= end
            assert low == 0 or core_low - low >= MARGIN_PX
            assert high == end or high - core_high >= MARGIN_PX
        shapes.add((right - left, bottom - top))
        looked += (right - left) * (bottom - top)
        assert (right - left) * (bottom - top) <= (EVEN_PX + 2 * MARGIN_PX) ** 2
    assert (answered == 1).all()
    assert len(shapes) == 1
    assert looked <= 1.4 * size[0] * size[1]


def test_what_needs_no_context_is_the_same_in_tiles():
    image = np.random.default_rng(0).integers(0, 255, (1700, 1900, 3)).astype(np.uint8)
    seen = []

    def answer(part):
        seen.append(part.shape[0] * part.shape[1])
        return part[..., 0].astype(np.float32)

    assert np.array_equal(in_tiles(image, answer), image[..., 0])
    assert max(seen) <= (EVEN_PX + 2 * MARGIN_PX) ** 2
    assert len(seen) == 4
