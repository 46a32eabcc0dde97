import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.cascade.crack_pixels import NEAR_PX, crack_pixels, without_flanks


def across(*values):
    """A crack from top to bottom whose probability across it is `values`, with road beside it."""
    seen = np.zeros((9, 40), np.float32)
    seen[:, 20 : 20 + len(values)] = values
    return seen


def test_a_low_threshold_takes_in_no_flanks_of_a_clear_crack():
    clear = across(0.3, 0.5, 0.9, 0.5, 0.3)
    assert crack_pixels(clear, 0.2).sum(axis=1).tolist() == [5] * 9
    # 0.6 of 0.9 is 0.54: the middle alone
    assert crack_pixels(clear, 0.2, 0.6).sum(axis=1).tolist() == [1] * 9


def test_a_faint_crack_is_a_crack():
    faint = across(0.1, 0.25, 0.3, 0.25, 0.1)
    assert crack_pixels(faint, 0.2, 0.6)[0, 20:25].tolist() == [False, True, True, True, False]


def test_a_faint_crack_far_from_a_clear_one_stays():
    seen = across(0.9, *[0.0] * NEAR_PX, 0.3)
    assert crack_pixels(seen, 0.2, 0.6).sum(axis=1).tolist() == [2] * 9
    nearer = across(0.9, *[0.0] * (NEAR_PX - 1), 0.3)
    assert crack_pixels(nearer, 0.2, 0.6).sum(axis=1).tolist() == [1] * 9


def test_a_wide_crack_stays_whole():
    wide = across(*np.linspace(0.7, 1, 12))
    assert crack_pixels(wide, 0.5, 0.6).sum(axis=1).tolist() == [12] * 9


@given(
    arrays(np.float32, (12, 15), elements=st.floats(0, 1, width=32)),
    st.sampled_from([0.0, 0.3, 0.6]),
    st.floats(0.01, 1),
)
def test_the_map_without_flanks_makes_the_same_mask_at_any_threshold(probability, share, threshold):
    mask = crack_pixels(probability, threshold, share)
    np.testing.assert_array_equal(without_flanks(probability, share) >= np.float32(threshold), mask)
    assert mask[np.unravel_index(probability.argmax(), probability.shape)] == (
        probability.max() >= np.float32(threshold)
    )


@pytest.mark.parametrize("threshold", [0.3, 0.7])
def test_without_a_share_the_threshold_alone_decides(threshold):
    probability = np.random.default_rng(0).random((20, 30)).astype(np.float32)
    np.testing.assert_array_equal(crack_pixels(probability, threshold), probability >= np.float32(threshold))
