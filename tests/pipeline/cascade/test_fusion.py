import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.cascade import fusion
from pipeline.cascade.fusion import fuse_scores

WHOLE = np.array([[0, 0, 8, 8]])
SHARES = st.floats(0, 1, width=32)


def fuse(one, other, boxes=WHOLE):
    """Fused scores of constant stages on 8×8 px with a coarse mask of 4 px."""
    return fuse_scores(np.full((8, 8), one, np.float32), np.full((2, 2), other, np.float32), boxes, 4)


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
    np.testing.assert_allclose(fuse(one, other), expected, atol=1e-6)


def test_outside_of_boxes_there_is_nothing():
    fused = fuse(0.8, 0.8, np.array([[0.5, 2, 3, 5]]))
    assert (fused > 0).sum() == 3 * 3
    assert (fused[2:5, 0:3] > 0).all()


def test_no_boxes():
    assert not fuse(0.8, 0.8, np.zeros((0, 4))).any()


def test_without_a_coarse_mask_stage_2_decides_alone():
    none = np.zeros((0, 0), np.float32)
    fused = fuse_scores(np.full((8, 8), 0.8, np.float32), none, np.array([[0.5, 2, 3, 5]]), 4)
    assert (fused[2:5, 0:3] == np.float32(0.8)).all()
    assert (fused > 0).sum() == 3 * 3


@given(arrays(np.float32, (8, 8), elements=SHARES), SHARES)
def test_each_answer_lies_between_both_stages(one, other):
    fused = fuse_scores(one, np.full((2, 2), other, np.float32), WHOLE, 4)
    assert fused.dtype == np.float32
    assert (fused >= np.minimum(one, other) - 1e-5).all()
    assert (fused <= np.maximum(one, other) + 1e-5).all()


def test_a_coarse_pixel_speaks_for_its_own_place_and_fades_around_it():
    coarse_mask = np.zeros((16, 16), np.float32)
    coarse_mask[4, 11] = 1
    fused = fuse_scores(np.full((64, 64), 0.5, np.float32), coarse_mask, np.array([[0, 0, 64, 64]]), 4)
    y, x = np.unravel_index(fused.argmax(), fused.shape)
    assert (y // 4, x // 4) == (4, 11)
    assert fused[y, x] > fused[y, x - 3] > fused[y, x - 8] == fused[60, 4] == 0  # mixed with its neighbours alone


@pytest.mark.parametrize("size", [(7, 9), (1, 1), (33, 46)])
def test_a_picture_that_is_no_multiple_of_the_coarse_mask(size):
    coarse_mask = np.full([-(-side // 4) for side in size], 0.5, np.float32)
    fused = fuse_scores(np.full(size, 0.9, np.float32), coarse_mask, np.array([[0, 0, size[1], size[0]]]), 4)
    np.testing.assert_allclose(fused, 0.75, atol=1e-6)


@pytest.mark.parametrize("coarse_px", [4, 8])
def test_strips_of_the_coarse_mask_are_those_of_the_whole(monkeypatch, coarse_px):
    rng = np.random.default_rng(0)
    coarse_mask = rng.random((37, 23), np.float32)
    size = 37 * coarse_px - 1, 23 * coarse_px - 3
    one = rng.random(size, np.float32)
    corners = rng.integers(0, 19 * coarse_px, (12, 2))
    boxes = np.concatenate([corners, corners + rng.integers(1, 60, (12, 2))], axis=1)
    whole = fuse_scores(one, coarse_mask, boxes, coarse_px)
    monkeypatch.setattr(fusion, "STRIP", 5)
    np.testing.assert_array_equal(fuse_scores(one, coarse_mask, boxes, coarse_px), whole)
