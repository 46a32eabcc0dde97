import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cascade.views import AS_IT_IS, FOUR, View, as_it_is, mirror, mirror_boxes, show, show_boxes

views = st.sampled_from(FOUR)


@given(views, st.integers(1, 9), st.integers(1, 9))
def test_mirroring_twice_gives_the_picture_back(view, height, width):
    pixels = np.arange(height * width * 3, dtype=np.uint8).reshape(height, width, 3)
    np.testing.assert_array_equal(mirror(mirror(pixels, view), view), pixels)


@given(views, st.integers(0, 5), st.integers(0, 5), st.integers(1, 4), st.integers(1, 4))
def test_a_mirrored_box_holds_the_mirrored_pixels(view, x, y, width, height):
    frame = np.zeros((9, 12), bool)
    frame[y : y + height, x : x + width] = True
    x1, y1, x2, y2 = mirror_boxes(np.array([[x, y, x + width, y + height]]), (9, 12), view)[0]
    expected = np.zeros((9, 12), bool)
    expected[y1:y2, x1:x2] = True
    np.testing.assert_array_equal(mirror(frame, view), expected)


def test_the_picture_as_it_is_is_one_of_the_four():
    assert (View(left_right=False, up_down=False),) == AS_IT_IS
    assert len({(view.left_right, view.up_down) for view in FOUR}) == 4


@given(views, st.integers(1, 90), st.integers(1, 90))
def test_a_view_is_as_large_as_its_scale_says(view, height, width):
    shown = show(np.zeros((height, width, 3), np.uint8), view)
    assert shown.shape == (round(height * view.scale), round(width * view.scale), 3)


@given(views, st.integers(1, 9), st.integers(1, 9))
def test_a_map_of_a_view_is_told_in_px_of_the_picture_as_it_is(view, height, width):
    """Areas of 10 × 10 px of one value survive every view: their middles keep the value."""
    values = np.arange(height * width, dtype=np.uint8).reshape(height, width)
    image = np.repeat(np.repeat(values, 10, 0), 10, 1)[..., None].repeat(3, 2)
    seen = as_it_is(show(image, view)[..., 0].astype(np.float32), image.shape, view)
    np.testing.assert_allclose(seen[5::10, 5::10], values, atol=0.5)


@given(views, st.integers(0, 5), st.integers(0, 5), st.integers(1, 4), st.integers(1, 4))
def test_a_shown_box_holds_what_the_box_holds(view, x, y, width, height):
    image = np.zeros((90, 120, 3), np.uint8)
    image[10 * y : 10 * (y + height), 10 * x : 10 * (x + width)] = 255
    shown = show(image, view)
    box = np.array([[x, y, x + width, y + height]]) * 10
    x1, y1, x2, y2 = show_boxes(box, image.shape, shown.shape, view)[0]
    ys, xs = np.nonzero(shown[..., 0] > 127)
    assert (x1, y1, x2, y2) == pytest.approx((xs.min(), ys.min(), xs.max() + 1, ys.max() + 1), abs=1)
