import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.detections import Detections
from pipeline.cascade.stage1_output import Stage1Output
from pipeline.cascade.tta import (
    SEGMENTER_CHANGES,
    Change,
    change_boxes,
    change_image,
    half_turn,
    join_half_turn,
    mirror,
    mirror_boxes,
    undo,
)

changes = st.sampled_from(SEGMENTER_CHANGES)


@given(changes, st.integers(1, 9), st.integers(1, 9))
def test_mirroring_twice_gives_the_picture_back(change, height, width):
    pixels = np.arange(height * width * 3, dtype=np.uint8).reshape(height, width, 3)
    np.testing.assert_array_equal(mirror(mirror(pixels, change), change), pixels)


@given(changes, st.integers(0, 5), st.integers(0, 5), st.integers(1, 4), st.integers(1, 4))
def test_a_mirrored_box_holds_the_mirrored_pixels(change, x, y, width, height):
    frame = np.zeros((9, 12), bool)
    frame[y : y + height, x : x + width] = True
    x1, y1, x2, y2 = mirror_boxes(np.array([[x, y, x + width, y + height]]), (9, 12), change)[0]
    expected = np.zeros((9, 12), bool)
    expected[y1:y2, x1:x2] = True
    np.testing.assert_array_equal(mirror(frame, change), expected)


def test_the_first_changes_nothing_and_no_two_mirror_alike():
    assert SEGMENTER_CHANGES[0] == Change(left_right=False, up_down=False)
    assert len({(change.left_right, change.up_down) for change in SEGMENTER_CHANGES}) == 4


@given(changes, st.integers(1, 90), st.integers(1, 90))
def test_a_changed_picture_is_as_large_as_the_scale_says(change, height, width):
    changed = change_image(np.zeros((height, width, 3), np.uint8), change)
    assert changed.shape == (round(height * change.scale), round(width * change.scale), 3)


@given(changes, st.integers(1, 9), st.integers(1, 9))
def test_undoing_a_change_gives_a_map_of_the_picture_itself(change, height, width):
    """Areas of 10 × 10 px of one value survive every change: their middles keep the value."""
    values = np.arange(height * width, dtype=np.uint8).reshape(height, width)
    image = np.repeat(np.repeat(values, 10, 0), 10, 1)[..., None].repeat(3, 2)
    undone = undo(change_image(image, change)[..., 0].astype(np.float32), image.shape, change)
    np.testing.assert_allclose(undone[5::10, 5::10], values, atol=0.5)


@given(changes, st.integers(0, 5), st.integers(0, 5), st.integers(1, 4), st.integers(1, 4))
def test_a_changed_box_holds_what_the_box_holds(change, x, y, width, height):
    image = np.zeros((90, 120, 3), np.uint8)
    image[10 * y : 10 * (y + height), 10 * x : 10 * (x + width)] = 255
    changed = change_image(image, change)
    box = np.array([[x, y, x + width, y + height]]) * 10
    x1, y1, x2, y2 = change_boxes(box, image.shape, changed.shape, change)[0]
    ys, xs = np.nonzero(changed[..., 0] > 127)
    assert (x1, y1, x2, y2) == pytest.approx((xs.min(), ys.min(), xs.max() + 1, ys.max() + 1), abs=1)


@pytest.mark.parametrize("size", [(8, 12), (7, 9)])
def test_a_picture_turned_twice_is_itself_on_whole_coarse_pixels(size):
    image = np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8)
    turned = half_turn(image, 4)
    assert turned.shape == (8, 12, 3)
    np.testing.assert_array_equal(half_turn(turned, 4)[: size[0], : size[1]], image)


def output(coarse_mask, box, score, size):
    detections = Detections(np.array([box], np.float32), np.array([score], np.float32))
    return Stage1Output(detections, np.array(coarse_mask, np.float32), size)


def test_both_answers_meet_at_the_same_pixels():
    """A picture of 7 × 9 px, 2 × 3 coarse pixels; turned, its first one is the last and its padding comes first."""
    unchanged = output([[0.2, 0, 0], [0, 0, 0.8]], [0, 0, 4, 4], 0.5, (7, 9))
    turned = output([[0.4, 0, 0], [0, 0, 0.6]], [0, 0, 5, 6], 0.9, (8, 12))
    both = join_half_turn(unchanged, turned)
    np.testing.assert_allclose(both.coarse_mask, [[0.4, 0, 0], [0, 0, 0.6]])
    np.testing.assert_array_equal(both.detections.boxes, [[7, 2, 9, 7], [0, 0, 4, 4]])
    np.testing.assert_allclose(both.detections.scores, [0.9, 0.5])
    assert both.size == (7, 9)
