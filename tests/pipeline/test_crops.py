import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.boxes import union_mask
from pipeline.crops import boxes_to_crops, cut, stitch

FRAMES = [(320, 480), (100, 130), (31, 33)]


@st.composite
def boxes_in_frame(draw):
    height, width = draw(st.sampled_from(FRAMES))
    boxes = []
    for _ in range(draw(st.integers(0, 8))):
        x1, y1 = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
        boxes.append([x1, y1, draw(st.integers(x1 + 1, width)), draw(st.integers(y1 + 1, height))])
    return np.array(boxes, np.int64).reshape(-1, 4), (height, width)


@given(boxes_in_frame(), st.sampled_from([0, 8, 16]), st.sampled_from([1, 16, 32]))
@settings(max_examples=80, deadline=None)
def test_every_box_lies_in_a_crop_of_whole_multiples(drawn, halo, multiple):
    boxes, size = drawn
    crops = boxes_to_crops(boxes, size, halo, multiple)
    assert len(crops) <= len(boxes)
    assert ((crops[:, 2:] - crops[:, :2]) % multiple == 0).all()
    assert (crops[:, :2] >= 0).all()
    assert (crops[:, 2] <= -(-size[1] // multiple) * multiple).all()
    assert (crops[:, 3] <= -(-size[0] // multiple) * multiple).all()
    for box in boxes:
        inside = (crops[:, :2] <= box[:2]).all(axis=1) & (crops[:, 2:] >= box[2:]).all(axis=1)
        assert inside.any()


@given(boxes_in_frame())
@settings(max_examples=40, deadline=None)
def test_merging_never_costs_pixels(drawn):
    boxes, size = drawn
    one_by_one = [boxes_to_crops(box[None], size, 16, 32)[0] for box in boxes]

    def area(crops):
        return sum((x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in crops)

    assert area(boxes_to_crops(boxes, size, 16, 32)) <= area(one_by_one)


def test_the_halo_surrounds_a_box_inside_the_frame():
    (crop,) = boxes_to_crops(np.array([[200, 100, 240, 130]]), (320, 480), halo=16, multiple=32)
    assert (crop[:2] <= [200 - 16, 100 - 16]).all()
    assert (crop[2:] >= [240 + 16, 130 + 16]).all()


def test_no_boxes_no_crops():
    assert boxes_to_crops(np.zeros((0, 4)), (320, 480), 16, 32).shape == (0, 4)


def test_a_crop_beyond_the_frame_is_mirrored():
    image = np.arange(3 * 5 * 3, dtype=np.uint8).reshape(3, 5, 3)
    piece = cut(image, np.array([0, 0, 8, 4]))
    assert piece.shape == (4, 8, 3)
    assert (piece[:3, :5] == image).all()
    assert (piece[3, :5] == image[1]).all()
    assert (piece[:3, 5] == image[:, 3]).all()


@given(boxes_in_frame(), st.sampled_from([0, 8, 16]))
@settings(max_examples=60, deadline=None)
def test_stitching_what_was_cut_gives_the_picture_back(drawn, halo):
    boxes, size = drawn
    truth = np.random.default_rng(0).random(size, np.float32)
    crops = boxes_to_crops(boxes, size, halo, 32)
    padded = np.pad(truth, ((0, 32), (0, 32)))
    maps = [padded[y1:y2, x1:x2] for x1, y1, x2, y2 in crops]
    whole = stitch(maps, crops, size, halo)
    seen = union_mask(crops, size)
    np.testing.assert_allclose(whole[seen], truth[seen], rtol=1e-5)
    assert (whole[~seen] == 0).all()


def test_overlaps_are_a_mean_weighted_towards_the_centre():
    crops = np.array([[0, 0, 10, 1], [5, 0, 15, 1]])
    maps = [np.full((1, 10), 0.2, np.float32), np.full((1, 10), 0.8, np.float32)]
    row = stitch(maps, crops, (1, 15), halo=0)[0]
    assert row[:5] == pytest.approx([0.2] * 5)
    assert row[5:10] == pytest.approx([0.5] * 5)
    # With a halo of 4 px weights fall by fifths: at x = 8 the first crop weighs 1/5·…, both limited by their height.
    row = stitch([np.repeat(m, 9, 0) for m in maps], crops * [1, 9, 1, 9], (9, 15), halo=4)[4]
    first, second = 2 / 5, 4 / 5  # x = 8: two from the end of the first crop, four into the second
    assert row[8] == pytest.approx((0.2 * first + 0.8 * second) / (first + second))
