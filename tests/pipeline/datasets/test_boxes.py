import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pipeline.arrays import round_outwards, union_mask
from pipeline.datasets.boxes import mask_to_boxes
from pipeline.settings import LabelSettings

METHODS = ["split", "component"]
masks = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=48), elements=st.booleans())
sparse = masks.map(lambda mask: mask & (np.add.outer(np.arange(mask.shape[0]), np.arange(mask.shape[1])) % 5 == 0))


def labels(method="split", max_side=16, padding=0, close_gap=0):
    return LabelSettings(method=method, max_side=max_side, padding=padding, close_gap=close_gap)


@pytest.mark.parametrize("method", METHODS)
@given(mask=sparse, padding=st.integers(0, 6), gap=st.integers(0, 6))
@settings(max_examples=60, deadline=None)
def test_boxes_cover_every_crack_pixel_and_lie_in_the_frame(method, mask, padding, gap):
    boxes = mask_to_boxes(mask, labels(method, padding=padding, close_gap=gap))
    height, width = mask.shape
    assert boxes.shape == (len(boxes), 4)
    assert boxes.dtype == np.int64
    assert not (mask & ~union_mask(boxes, mask.shape)).any()
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 2:] <= [width, height]).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()


@given(mask=sparse, side=st.integers(8, 20), padding=st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_no_side_exceeds_the_maximum_and_its_padding(mask, side, padding):
    boxes = mask_to_boxes(mask, labels("split", side, padding))
    assert ((boxes[:, 2:] - boxes[:, :2]) <= side + 2 * padding).all()


@pytest.mark.parametrize("method", METHODS)
def test_an_empty_mask_gives_no_box(method):
    assert mask_to_boxes(np.zeros((9, 9), bool), labels(method)).shape == (0, 4)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ((slice(4, 5), slice(4, 5)), [4, 4, 5, 5]),  # one pixel
        ((slice(0, 12), slice(7, 8)), [7, 0, 8, 12]),  # one pixel wide, from border to border
        ((slice(11, 12), slice(0, 12)), [0, 11, 12, 12]),  # along the last row
        ((slice(0, 1), slice(11, 12)), [11, 0, 12, 1]),  # in a corner
    ],
)
def test_thin_and_border_touching_cracks(method, where, expected):
    mask = np.zeros((12, 12), bool)
    mask[where] = True
    assert mask_to_boxes(mask, labels(method)).tolist() == [expected]


def test_components_touching_at_a_corner_are_one():
    mask = np.zeros((6, 6), bool)
    mask[1, 1] = mask[2, 2] = True
    assert mask_to_boxes(mask, labels("component")).tolist() == [[1, 1, 3, 3]]


def test_split_tightens_both_halves():
    # A 20 px L: 16 px down at x = 0, then 4 px right along y = 15; halved at y = 8, each half tight.
    mask = np.zeros((20, 20), bool)
    mask[0:16, 0] = True
    mask[15, 0:5] = True
    assert mask_to_boxes(mask, labels(max_side=8)).tolist() == [[0, 0, 1, 8], [0, 8, 5, 16]]


@pytest.mark.parametrize(("gap", "boxes"), [(0, 2), (4, 2), (5, 1), (6, 1)])
def test_pieces_of_a_thin_line_count_as_one_across_a_small_gap(gap, boxes):
    mask = np.zeros((20, 40), bool)
    mask[10, 2:15] = mask[10, 20:35] = True  # five pixels between them
    found = mask_to_boxes(mask, labels("component", close_gap=gap))
    assert len(found) == boxes
    assert found[0, 0] == 2
    assert found[-1, 2] == 35


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        (np.zeros((0, 4)), []),
        ([[0.2, 0.8, 3.1, 4.0]], [[0, 0, 4, 4]]),
        ([[-3, -2, 99, 99]], [[0, 0, 8, 6]]),
        ([[2, 2, 4, 4]], [[2, 2, 4, 4]]),
    ],
)
def test_round_outwards(boxes, expected):
    assert round_outwards(np.array(boxes), (6, 8)).tolist() == expected


@given(
    st.lists(st.tuples(*[st.floats(-5, 30)] * 4), max_size=6).map(
        lambda rows: np.array([[min(a, c), min(b, d), max(a, c), max(b, d)] for a, b, c, d in rows]).reshape(-1, 4)
    )
)
@settings(max_examples=60, deadline=None)
def test_a_union_is_no_larger_than_the_sum(boxes):
    whole = round_outwards(boxes, (20, 25))
    areas = ((whole[:, 2] - whole[:, 0]) * (whole[:, 3] - whole[:, 1])).tolist()
    union = int(union_mask(boxes, (20, 25)).sum())
    assert max(areas, default=0) <= union <= sum(areas)


def test_a_sliver_that_a_neighbour_covers_gets_no_box_of_its_own():
    mask = np.zeros((20, 40), bool)
    mask[10, 2:16] = mask[10, 17:19] = True  # a speck one pixel beyond the end of a line
    assert mask_to_boxes(mask, labels("component", padding=4)).tolist() == [[0, 6, 20, 15]]
    assert len(mask_to_boxes(mask, labels("component", padding=1))) == 2
