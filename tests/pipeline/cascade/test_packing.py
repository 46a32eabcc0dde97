import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.cascade.crops import GRID_PX
from pipeline.cascade.packing import MOST_CROPS, MOST_PX, cut_canvases, fill_canvases, pack, pack_square

shapes = st.lists(st.tuples(st.integers(1, 512), st.integers(1, 512)), max_size=40)


@given(shapes, st.sampled_from([16, 32]))
@settings(max_examples=60, deadline=None)
def test_no_two_rectangles_overlap_and_none_sticks_out(shapes, multiple):
    places, canvases = pack(shapes, multiple)
    taken = [np.zeros(canvas, bool) for canvas in canvases]
    for (height, width), (canvas, x, y) in zip(shapes, places, strict=True):
        spot = taken[canvas][y : y + height, x : x + width]
        assert spot.shape == (height, width)
        assert not spot.any()
        spot[:] = True
    assert all(side % multiple == 0 for canvas in canvases for side in canvas)


@given(shapes)
@settings(max_examples=40, deadline=None)
def test_a_sheet_holds_a_bounded_number_of_crops_and_pixels(shapes):
    places, canvases = pack(shapes, 16)
    for number in range(len(canvases)):
        own = [h * w for (h, w), place in zip(shapes, places, strict=True) if place.canvas == number]
        assert 1 <= len(own) <= MOST_CROPS
        assert len(own) == 1 or sum(own) <= MOST_PX


def test_crops_on_the_grid_waste_little():
    rng = np.random.default_rng(0)
    for _ in range(20):
        drawn = [tuple(map(int, sides)) for sides in rng.integers(2, 16, (14, 2)) * GRID_PX]
        _, canvases = pack(drawn, GRID_PX)
        assert sum(h * w for h, w in drawn) / sum(h * w for h, w in canvases) > 0.85


@given(st.lists(st.tuples(st.integers(8, 120), st.integers(8, 120)), min_size=1, max_size=8))
@example([(17, 105), (109, 21)])
@settings(max_examples=40, deadline=None)
def test_a_square_holds_all_or_says_that_it_does_not(shapes):
    places = pack_square(shapes, 128)
    if places is None:
        # What Steinberg (1997) shows to fit always; a long and a tall crop may leave no room for each other.
        sides = np.array(shapes) + GRID_PX
        over = np.maximum(2 * sides.max(axis=0) - 128, 0).prod()
        assert 2 * sides.prod(axis=1).sum() > 128 * 128 - over
        return
    taken = np.zeros((128, 128), bool)
    for (height, width), (_, x, y) in zip(shapes, places, strict=True):
        assert taken[y : y + height, x : x + width].shape == (height, width)
        assert not taken[y : y + height, x : x + width].any()
        taken[y : y + height, x : x + width] = True


def test_what_is_packed_is_cut_out_again():
    rng = np.random.default_rng(0)
    crops = [rng.integers(0, 256, (h, w, 3), dtype=np.uint8) for h, w in ((24, 304), (48, 200), (32, 248), (7, 9))]
    sizes = [crop.shape[:2] for crop in crops]
    places, canvases = pack(sizes, 32)
    filled = fill_canvases(crops, places, canvases)
    assert [canvas.shape[:2] for canvas in filled] == canvases
    for crop, found in zip(crops, cut_canvases([canvas[..., 0] for canvas in filled], places, sizes), strict=True):
        assert (found == crop[..., 0]).all()


@pytest.mark.parametrize("multiple", [16, 32])
def test_nothing_needs_no_sheet(multiple):
    assert pack([], multiple) == ([], [])
    assert fill_canvases([], [], []) == []
