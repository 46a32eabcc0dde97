import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.packing import HIGHEST_PX, WIDTHS_PX, cut_sheets, fill_sheets, pack, place

WIDTH_PX = WIDTHS_PX[-1]

shapes = st.lists(st.tuples(st.integers(1, 512), st.integers(1, 512)), max_size=40)


@given(shapes, st.sampled_from([1, 32]))
@settings(max_examples=80, deadline=None)
def test_no_two_rectangles_overlap_and_none_sticks_out(shapes, multiple):
    places, heights = place(shapes, multiple, WIDTH_PX)
    taken = [np.zeros((height, WIDTH_PX), bool) for height in heights]
    for (height, width), (sheet, x, y) in zip(shapes, places, strict=True):
        spot = taken[sheet][y : y + height, x : x + width]
        assert spot.shape == (height, width)
        assert not spot.any()
        spot[:] = True
    assert all(height % multiple == 0 for height in heights)
    assert all(height <= HIGHEST_PX + multiple for height in heights)


@given(shapes)
@settings(max_examples=40, deadline=None)
def test_shelves_waste_no_more_than_the_theorem_allows(shapes):
    _, heights = place(shapes, 1, WIDTH_PX)
    area = sum(height * width for height, width in shapes)
    highest = max((height for height, _ in shapes), default=0)
    # Every sheet but the last is closed with a shelf that no longer fits: it lacks at most one rectangle's height.
    assert sum(heights) <= 2 * area / WIDTH_PX + highest * (1 + len(heights))


def test_what_is_packed_is_cut_out_again():
    rng = np.random.default_rng(0)
    crops = [rng.integers(0, 256, (h, w, 3), dtype=np.uint8) for h, w in ((20, 300), (50, 200), (30, 250), (7, 9))]
    sizes = [crop.shape[:2] for crop in crops]
    width, places, heights = pack(sizes, 32)
    sheets = fill_sheets(crops, places, heights, width)
    for crop, found in zip(crops, cut_sheets([sheet[..., 0] for sheet in sheets], places, sizes), strict=True):
        assert (found == crop[..., 0]).all()


def test_nothing_needs_no_sheet():
    width, places, heights = pack([], 32)
    assert (places, heights) == ([], [])
    assert fill_sheets([], [], [], width) == []


@given(shapes)
@settings(max_examples=40, deadline=None)
def test_the_sheet_is_the_smallest_of_those_on_offer(shapes):
    width, _, heights = pack(shapes, 32)
    assert all(needed <= width for _, needed in shapes)
    assert width * sum(heights) <= WIDTH_PX * sum(place(shapes, 32, WIDTH_PX)[1])
