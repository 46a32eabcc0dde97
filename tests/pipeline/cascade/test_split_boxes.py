import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cascade.split_boxes import cut_components


def step():
    """Two bars of six cells, one after the other and a row apart in height: worked by hand below."""
    marked = np.zeros((10, 20), bool)
    marked[2, 2:8] = marked[5, 8:14] = marked[3, 7] = marked[4, 7] = True
    return marked, marked.astype(np.float32)


def test_a_box_is_cut_where_that_leaves_out_most():
    marked, crack = step()
    # One box is 12 × 4 cells. Cut before column 7: 5 × 1 and 7 × 4, 15 cells less; before column 8: 6 × 3 and 6 × 1,
    # 24 less. Between rows 2 and 3: 6 × 1 and 7 × 3, 21 less; between 4 and 5: 6 × 3 and 6 × 1 again.
    assert cut_components(marked, crack, least=4, saving=24) == [(2, 2, 8, 5), (8, 5, 14, 6)]
    assert cut_components(marked, crack, least=4, saving=25) == [(2, 2, 14, 6)]


def test_what_is_faint_stays_in_the_box_beside_it():
    marked, crack = step()
    crack[5] /= 10  # the second bar promises 0.6 cells of crack
    assert cut_components(marked, crack, least=1, saving=10) != [(2, 2, 14, 6)]
    assert cut_components(marked, crack, least=7, saving=1) == [(2, 2, 14, 6)]


def test_cells_belong_together_across_a_gap_of_two_cells():
    marked = np.zeros((6, 12), bool)
    marked[2, [1, 4, 8]] = True
    assert cut_components(marked, marked.astype(np.float32), least=99, saving=0) == [(1, 2, 5, 3), (8, 2, 9, 3)]


def test_nothing_marked_gives_no_boxes():
    assert cut_components(np.zeros((4, 5), bool), np.zeros((4, 5), np.float32), 1, 1) == []


@given(st.integers(0, 2**32 - 1), st.floats(0.5, 8), st.integers(0, 20))
def test_boxes_hold_all_that_is_marked_and_are_whole_or_sure(seed, least, saving):
    draw = np.random.default_rng(seed)
    marked = draw.random((14, 22)) < draw.uniform(0.05, 0.5)
    crack = (draw.random(marked.shape) * marked).astype(np.float32)
    pieces = cut_components(marked, crack, least, saving)
    whole = cut_components(marked, crack, np.inf, saving)  # never cut
    held = np.zeros(marked.shape, bool)
    for x1, y1, x2, y2 in pieces:
        held[y1:y2, x1:x2] = True
        inside = marked[y1:y2, x1:x2]
        assert inside[0].any()
        assert inside[-1].any()
        assert inside[:, 0].any()
        assert inside[:, -1].any()
        assert (x1, y1, x2, y2) in whole or crack[y1:y2, x1:x2].sum() >= least * (1 - 1e-5)
    assert held[marked].all()
    assert sum((x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in pieces) <= sum(
        (x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in whole
    )
