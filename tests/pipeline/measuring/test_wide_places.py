import numpy as np
import pytest

from pipeline.measuring.cracks import measure
from pipeline.measuring.settings import MeasureSettings
from tests.pipeline.measuring.drawn import area, bar

SIZE = (320, 320)
MIDDLE = np.array([160.0, 160.0])


def pothole(half):
    return area(lambda x, y: np.hypot(x - MIDDLE[0], y - MIDDLE[1]) <= half, SIZE)


@pytest.mark.parametrize("half", [15, 40])
@pytest.mark.parametrize("ways", [(20,), (20, 200)])
@pytest.mark.parametrize("width", [3, 6])
def test_a_pothole_is_no_width_of_the_crack_that_leaves_it(half, ways, width):
    share = pothole(half)
    for degrees in np.deg2rad(ways):
        end = MIDDLE + 130 * np.array([np.cos(degrees), np.sin(degrees)])
        share = np.maximum(share, bar(MIDDLE, end, width, SIZE))
    (found,) = measure(None, share >= 0.5, MeasureSettings())
    assert found.width_mean_px == pytest.approx(width, rel=0.05)
    assert found.width_max_px == pytest.approx(width, rel=0.15)


@pytest.mark.parametrize("wide", [16, 24])
def test_a_crack_that_becomes_wide_keeps_its_width(wide):
    share = np.maximum(bar((20, 160), (180, 160), 4, SIZE), bar((180, 160), (300, 160), wide, SIZE))
    (found,) = measure(None, share >= 0.5, MeasureSettings())
    assert found.width_mean_px > 6
    assert found.width_max_px > 10


@pytest.mark.parametrize("half", [20, 30])
def test_a_pothole_with_a_tail_is_as_wide_as_the_pothole(half):
    tail = bar(MIDDLE, MIDDLE + np.array([half + 15, 0]), 4, SIZE)
    (found,) = measure(None, np.maximum(pothole(half), tail) >= 0.5, MeasureSettings())
    assert found.width_mean_px > half


@pytest.mark.parametrize("width", [4, 6])
@pytest.mark.parametrize("ratio", [4, 6, 8])
def test_a_stretch_that_is_wide_is_as_wide_as_it_was_drawn(width, ratio):
    wide, long = ratio * width, 4 * ratio * width
    whole, size = long + 200, (100, long + 240)
    share = np.maximum(bar((20, 50), (20 + whole, 50), width, size), bar((120, 50), (120 + long, 50), wide, size))
    (found,) = measure(None, share >= 0.5, MeasureSettings())
    assert found.width_max_px == pytest.approx(wide, abs=1)
    assert found.width_mean_px == pytest.approx((200 * width + long * wide) / whole, rel=0.05)
