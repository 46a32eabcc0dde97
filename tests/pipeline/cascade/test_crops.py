import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.arrays import union_mask
from pipeline.cascade.crops import GRID_PX, LONGEST_PX, PRICE_PX, plan_crops, stitch

FRAMES = [(320, 480), (100, 130), (31, 33), (1500, 2600)]


@st.composite
def boxes_in_frame(draw):
    height, width = draw(st.sampled_from(FRAMES))
    boxes = []
    for _ in range(draw(st.integers(0, 8))):
        x1, y1 = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
        boxes.append([x1, y1, draw(st.integers(x1 + 1, width)), draw(st.integers(y1 + 1, height))])
    return np.array(boxes, np.int64).reshape(-1, 4), (height, width)


def pixels(crops):
    return int(((crops[:, 2] - crops[:, 0]) * (crops[:, 3] - crops[:, 1])).sum())


@given(boxes_in_frame(), st.sampled_from([0, 8, 16]))
@settings(max_examples=80, deadline=None)
def test_crops_show_every_box_with_its_halo_inside_the_frame(drawn, halo):
    boxes, (height, width) = drawn
    crops = plan_crops(boxes, (height, width), halo)
    assert (crops[:, :2] >= 0).all()
    assert (crops[:, 2:] <= (width, height)).all()
    assert ((crops[:, 2:] - crops[:, :2]) <= LONGEST_PX).all()
    seen = union_mask(crops, (height, width))
    grown = boxes + np.array([-halo, -halo, halo, halo])
    assert not (union_mask(grown, (height, width)) & ~seen).any()
    sides = crops[:, 2:] - crops[:, :2]
    assert ((sides % GRID_PX == 0) | (sides == (width, height))).all()  # or as long as the frame


@given(boxes_in_frame())
@settings(max_examples=40, deadline=None)
def test_merging_never_costs_more_than_it_saves(drawn):
    boxes, size = drawn
    boxes = boxes[((boxes[:, 2:] - boxes[:, :2]) <= 400).all(axis=1)]
    crops = plan_crops(boxes, size, 8)
    one_by_one = [plan_crops(box[None], size, 8) for box in boxes]
    price = sum(pixels(crop) + PRICE_PX for crop in one_by_one)
    edge = GRID_PX * sum(size) * len(boxes)  # crops as long as the frame are not on the grid, and are priced as if
    assert pixels(crops) + PRICE_PX * len(crops) <= price + edge


def test_what_a_larger_box_holds_is_not_cropped_again():
    boxes = np.array([[0, 0, 100, 100], [90, 40, 150, 60], [20, 20, 60, 60]])
    assert plan_crops(boxes, (320, 480), 0).tolist() == [[0, 0, 100, 100], [99, 40, 151, 60]]


def test_boxes_far_apart_stay_apart_and_near_ones_are_joined():
    boxes = np.array([[10, 10, 40, 40], [42, 10, 70, 40], [300, 200, 340, 240]])
    assert plan_crops(boxes, (320, 480), 8).tolist() == [[292, 192, 348, 248], [2, 1, 78, 49]]


def test_a_box_longer_than_a_sheet_is_cut_into_overlapping_pieces():
    crops = plan_crops(np.array([[0, 100, 2000, 140]]), (1500, 2600), 8)
    assert (crops[:, 2] - crops[:, 0] <= LONGEST_PX).all()
    assert crops[0, 0] == 0
    assert 2008 <= crops[-1, 2] < 2008 + GRID_PX
    assert (crops[:-1, 2] - crops[1:, 0] >= 16).all()


def test_planning_grows_with_the_number_of_boxes_not_with_its_square():
    """A crack-ridden 12-megapixel photograph: thousands of boxes are planned in blocks."""
    corners = np.random.default_rng(0).integers(0, 2900, (4000, 2))
    boxes = np.concatenate([corners, corners + 40], axis=1)
    crops = plan_crops(boxes, (3072, 4096), 8)
    assert not (union_mask(boxes, (3072, 4096)) & ~union_mask(crops, (3072, 4096))).any()
    assert pixels(crops) < 3072 * 4096


def test_no_boxes_no_crops():
    assert plan_crops(np.zeros((0, 4)), (320, 480), 16).shape == (0, 4)


@given(boxes_in_frame(), st.sampled_from([0, 8, 16]))
@settings(max_examples=60, deadline=None)
def test_stitching_what_was_cut_gives_the_picture_back(drawn, halo):
    boxes, size = drawn
    truth = np.random.default_rng(0).random(size, np.float32)
    crops = plan_crops(boxes, size, halo)
    whole = stitch([truth[y1:y2, x1:x2] for x1, y1, x2, y2 in crops], crops, size, halo)
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


def test_memory_stays_bounded_over_many_sizes():
    probability = np.ones((480, 640), np.float32)

    def stitch_many(first):
        for number in range(first, first + 1000):
            height, width = 100 + number % 350, 120 + number % 487
            crops = np.array([[0, 0, width, height]])
            stitch([probability[:height, :width]], crops, (height, width), 8)

    tracemalloc.start()
    stitch_many(0)
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert kept < 10_000_000
