import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cascade.split_boxes import split_components


def step():
    """Two bars of six pixels, one after the other and a row apart in height: worked by hand below."""
    held = np.zeros((10, 20), bool)
    held[2, 2:8] = held[5, 8:14] = held[3, 7] = held[4, 7] = True
    return held, held.astype(np.float32)


def test_a_box_is_split_where_that_leaves_out_most():
    held, mass = step()
    # One box is 12 × 4 pixels. Split before column 7: 5 × 1 and 7 × 4, 15 less; before column 8: 6 × 3 and 6 × 1,
    # 24 less. Between rows 2 and 3: 6 × 1 and 7 × 3, 21 less; between 4 and 5: 6 × 3 and 6 × 1 again.
    assert split_components(held, mass, min_mass=4, min_saving=24) == [(2, 2, 8, 5), (8, 5, 14, 6)]
    assert split_components(held, mass, min_mass=4, min_saving=25) == [(2, 2, 14, 6)]


def test_what_is_faint_stays_in_the_box_beside_it():
    held, mass = step()
    mass[5] /= 10  # the second bar promises a mass of 0.6
    assert split_components(held, mass, min_mass=1, min_saving=10) != [(2, 2, 14, 6)]
    assert split_components(held, mass, min_mass=7, min_saving=1) == [(2, 2, 14, 6)]


def test_pixels_belong_together_across_a_gap_of_two():
    held = np.zeros((6, 12), bool)
    held[2, [1, 4, 8]] = True
    assert split_components(held, held.astype(np.float32), min_mass=99, min_saving=0) == [(1, 2, 5, 3), (8, 2, 9, 3)]


def test_nothing_held_gives_no_boxes():
    assert split_components(np.zeros((4, 5), bool), np.zeros((4, 5), np.float32), 1, 1) == []


@given(st.integers(0, 2**32 - 1), st.floats(0.5, 8), st.integers(0, 20))
def test_boxes_hold_all_that_is_held_and_are_whole_or_sure(seed, min_mass, min_saving):
    draw = np.random.default_rng(seed)
    held = draw.random((14, 22)) < draw.uniform(0.05, 0.5)
    mass = (draw.random(held.shape) * held).astype(np.float32)
    pieces = split_components(held, mass, min_mass, min_saving)
    whole = split_components(held, mass, np.inf, min_saving)  # never split
    inside_boxes = np.zeros(held.shape, bool)
    for x1, y1, x2, y2 in pieces:
        inside_boxes[y1:y2, x1:x2] = True
        inside = held[y1:y2, x1:x2]
        assert inside[0].any()
        assert inside[-1].any()
        assert inside[:, 0].any()
        assert inside[:, -1].any()
        assert (x1, y1, x2, y2) in whole or mass[y1:y2, x1:x2].sum() >= min_mass * (1 - 1e-5)
    assert inside_boxes[held].all()
    assert sum((x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in pieces) <= sum(
        (x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in whole
    )
