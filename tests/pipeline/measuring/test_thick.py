"""Thick cracks: thinning runs into the corners of their blunt ends, which nothing that is measured may show."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.measuring.cracks import measure
from pipeline.measuring.settings import MeasureSettings
from tests.pipeline.measuring.drawn import bar

SETTINGS = MeasureSettings()


def measured(width, length, degrees, place=(0.2, 0.4)):
    """What is measured of a bar, and how many degrees it is off."""
    turn, size = np.deg2rad(degrees), int(length + width + 30)
    middle, arm = size / 2 + np.array(place), length / 2 * np.array([np.sin(turn), -np.cos(turn)])
    (found,) = measure(None, bar(middle - arm, middle + arm, width, (size, size)) >= 0.5, SETTINGS)
    return found, abs((found.orientation_deg - degrees + 90) % 180 - 90)


@pytest.mark.parametrize(("width", "length"), [(14, 140), (20, 100), (30, 100), (40, 160), (40, 320), (60, 320)])
def test_a_blunt_end_bends_no_thick_crack(width, length):
    for degrees in range(0, 180, 10):
        found, off = measured(width, length, degrees)
        assert off <= 1.0
        assert found.length_px == pytest.approx(length, rel=0.0125)
        assert found.width_max_px <= width + max(1.0, 0.05 * width)  # whole pixels add one


@pytest.mark.parametrize(("width", "length"), [(14, 28), (20, 40)])
def test_a_short_thick_crack_is_as_long_as_it_was_drawn(width, length):
    off = [abs(measured(width, length, degrees)[0].length_px / length - 1) for degrees in range(0, 180, 10)]
    assert np.mean(off) <= 0.015
    assert max(off) <= 0.08


@pytest.mark.parametrize("width", [5, 8, 20])
def test_cracks_that_cross_aslant_are_two(width):
    size, middle, two = (240, 240), np.array([120.3, 120.2]), 0
    for degrees in range(0, 90, 6):
        arms = [100 * np.array([np.sin(turn), -np.cos(turn)]) for turn in np.deg2rad([degrees, degrees + 60])]
        share = np.maximum(*(bar(middle - arm, middle + arm, width, size) for arm in arms))
        found = measure(None, share >= 0.5, SETTINGS)
        two += len(found) == 2
        assert sum(one.length_px for one in found) == pytest.approx(400, rel=0.008)
    assert two >= 14  # at one angle of 15, thinning may set its two junctions farther apart


@settings(deadline=None)  # the first call compiles
@given(
    width=st.floats(20, 50),
    ratio=st.floats(4, 7),
    degrees=st.floats(0, 180),
    place=st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5)),
)
def test_any_thick_bar_points_where_it_was_drawn(width, ratio, degrees, place):
    found, off = measured(width, ratio * width, degrees, place)
    assert off <= 2.0
    assert found.length_px == pytest.approx(ratio * width, rel=0.025)
