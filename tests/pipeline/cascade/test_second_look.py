import numpy as np
import pytest

from pipeline.cascade.second_look import join_looks, turned_round
from pipeline.cascade.stage1 import Seen


def seen(cells, box, score, size):
    return Seen((np.array([box], np.float32), np.array([score], np.float32)), cells, size)


@pytest.mark.parametrize("size", [(8, 12), (7, 9)])
def test_a_picture_turned_twice_is_itself_on_whole_cells(size):
    image = np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8)
    turned = turned_round(image, 4)
    assert turned.shape == (8, 12, 3)
    np.testing.assert_array_equal(turned_round(turned, 4)[: size[0], : size[1]], image)


def test_both_looks_meet_at_the_same_cells_and_px():
    """A picture of 7 × 9 px, 2 × 3 cells of 4 px; turned, its first cell is the last and its padding comes first."""
    first = seen(np.array([[0.2, 0, 0], [0, 0, 0.8]], np.float32), [0, 0, 4, 4], 0.5, (7, 9))
    turned = seen(np.array([[0.4, 0, 0], [0, 0, 0.6]], np.float32), [0, 0, 5, 6], 0.9, (8, 12))
    both = join_looks(first, turned)
    np.testing.assert_allclose(both.cells, [[0.4, 0, 0], [0, 0, 0.6]])
    np.testing.assert_array_equal(both.found[0], [[7, 2, 9, 7], [0, 0, 4, 4]])
    np.testing.assert_allclose(both.found[1], [0.9, 0.5])
    assert both.size == (7, 9)
