import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.cascade.fusion import pool_opinions

WHOLE = np.array([[0, 0, 8, 8]])
SHARES = st.floats(0, 1, width=32)


def pool(one, other, boxes=WHOLE):
    """Pooled opinions of constant stages on 8×8 px with cells of 4 px."""
    return pool_opinions(np.full((8, 8), one, np.float32), np.full((2, 2), other, np.float32), boxes, 4)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (0.8, 0.2, 0.5),  # odds of 4 and 1/4
        (0.9, 0.5, 0.75),  # odds of 9 and 1: √9 = 3, 3 to 1
        (0.3, 0.3, 0.3),
        (0, 0.9, 0),
        (1, 1, 1),
        (1, 0, 0),  # one says never, and nothing outweighs that
    ],
)
def test_the_mean_of_log_odds(one, other, expected):
    np.testing.assert_allclose(pool(one, other), expected, atol=1e-6)


def test_outside_of_boxes_there_is_nothing():
    pooled = pool(0.8, 0.8, np.array([[0.5, 2, 3, 5]]))
    assert (pooled > 0).sum() == 3 * 3
    assert (pooled[2:5, 0:3] > 0).all()


def test_no_boxes():
    assert not pool(0.8, 0.8, np.zeros((0, 4))).any()


@given(arrays(np.float32, (8, 8), elements=SHARES), SHARES)
def test_each_answer_lies_between_both_stages(one, other):
    pooled = pool_opinions(one, np.full((2, 2), other, np.float32), WHOLE, 4)
    assert pooled.dtype == np.float32
    assert (pooled >= np.minimum(one, other) - 1e-5).all()
    assert (pooled <= np.maximum(one, other) + 1e-5).all()


def test_a_cell_speaks_for_its_own_place_and_fades_around_it():
    cells = np.zeros((16, 16), np.float32)
    cells[4, 11] = 1
    pooled = pool_opinions(np.full((64, 64), 0.5, np.float32), cells, np.array([[0, 0, 64, 64]]), 4)
    y, x = np.unravel_index(pooled.argmax(), pooled.shape)
    assert (y // 4, x // 4) == (4, 11)
    assert pooled[y, x] > pooled[y, x - 8] > pooled[y, x - 16] > pooled[60, 4]


@pytest.mark.parametrize("size", [(7, 9), (1, 1), (33, 46)])
def test_a_picture_that_is_no_multiple_of_a_cell(size):
    cells = np.full([-(-side // 4) for side in size], 0.5, np.float32)
    pooled = pool_opinions(np.full(size, 0.9, np.float32), cells, np.array([[0, 0, size[1], size[0]]]), 4)
    np.testing.assert_allclose(pooled, 0.75, atol=1e-6)
