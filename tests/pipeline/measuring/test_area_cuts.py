import numpy as np
import pytest

from pipeline.measuring.area_cuts import cut_at_areas
from pipeline.measuring.line_ends import AT_AREA
from pipeline.measuring.lines import Lines
from pipeline.measuring.width import Profiles


@pytest.mark.parametrize("start", [0, 10, 85])
def test_a_ring_that_is_partly_in_an_area_is_two_lines_along_it(start):
    count = 100
    turn = 2 * np.pi * np.arange(count) / count
    ring = count / (2 * np.pi) * np.column_stack([np.cos(turn), np.sin(turn)])
    lines = Lines(
        points=ring,
        what=np.zeros(count, np.uint8),
        starts=np.array([0, count]),
        ends=np.zeros((1, 2), np.uint8),
        closed=np.array([True]),
        fragments=np.array([1]),
        radius=np.array([1.0]),
    )
    owner = np.full(count, -1)
    owner[(start + np.arange(30)) % count] = 0
    seen = Profiles(np.ones(count), np.zeros(count, bool), ring)
    cut, across, areas = cut_at_areas(lines, seen, owner, np.ones(count), 2.0)
    lengths = {
        int(area): np.hypot(*np.diff(cut.points[first:last], axis=0).T).sum()
        for area, first, last in zip(areas, cut.starts[:-1], cut.starts[1:], strict=True)
    }
    assert lengths == pytest.approx({-1: 70, 0: 30}, abs=0.1)
    assert not cut.closed.any()
    assert (cut.ends == AT_AREA).all()
    assert len(across.widths) == len(cut.points) == count + 2
