from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.packing import MOST_CROPS, MOST_PX, cut_sheets, fill_sheets, pack

shapes = st.lists(st.tuples(st.integers(1, 512), st.integers(1, 512)), max_size=40)


@given(shapes, st.sampled_from([1, 16]))
@settings(max_examples=60, deadline=None)
def test_no_two_rectangles_overlap_and_none_sticks_out(shapes, multiple):
    places, sides = pack(shapes, multiple)
    taken = [np.zeros(size, bool) for size in sides]
    for (height, width), (sheet, x, y) in zip(shapes, places, strict=True):
        spot = taken[sheet][y : y + height, x : x + width]
        assert spot.shape == (height, width)
        assert not spot.any()
        spot[:] = True
    assert all(side % multiple == 0 for size in sides for side in size)


@given(shapes)
@settings(max_examples=40, deadline=None)
def test_sheets_stay_small_and_are_none_too_many(shapes):
    places, sides = pack(shapes, 1)
    held = [
        [h * w for (h, w), place in zip(shapes, places, strict=True) if place.sheet == n] for n in range(len(sides))
    ]
    assert all(1 <= len(areas) <= MOST_CROPS for areas in held)
    assert all(sum(areas) <= MOST_PX for areas in held)
    for areas, following in pairwise(held):  # a sheet is closed when the next crop has no room
        assert len(areas) == MOST_CROPS or sum(areas) + max(following) > MOST_PX


@given(st.lists(st.tuples(st.integers(30, 150), st.integers(30, 150)), min_size=1, max_size=MOST_CROPS))
@settings(max_examples=40, deadline=None)
def test_a_sheet_is_at_most_as_large_as_crops_in_a_row(shapes):
    (height, width), *_ = pack(shapes, 1)[1]
    row = max(h for h, _ in shapes) * sum(w for _, w in shapes)
    column = sum(h for h, _ in shapes) * max(w for _, w in shapes)
    assert height * width <= min(row, column)


def test_a_rectangle_cut_in_pieces_is_put_together_again():
    assert pack([(40, 60), (40, 36), (24, 60), (24, 36)], 16)[1] == [(64, 96)]


def test_what_is_packed_is_cut_out_again():
    rng = np.random.default_rng(0)
    crops = [rng.integers(0, 256, (h, w, 3), dtype=np.uint8) for h, w in ((20, 300), (50, 200), (30, 250), (7, 9))]
    shapes = [crop.shape[:2] for crop in crops]
    places, sides = pack(shapes, 16)
    sheets = fill_sheets(crops, places, sides)
    for crop, found in zip(crops, cut_sheets([sheet[..., 0] for sheet in sheets], places, shapes), strict=True):
        assert (found == crop[..., 0]).all()


def test_nothing_needs_no_sheet():
    assert pack([], 16) == ([], [])
    assert fill_sheets([], [], []) == []
