"""Holes in masks: specks of wide cracks, and road between thin ones."""

import numpy as np
import pytest

from pipeline.measuring.cracks import measure
from pipeline.measuring.settings import MeasureSettings
from pipeline.measuring.specks import without_specks
from tests.pipeline.measuring.drawn import bar

SETTINGS = MeasureSettings()


def test_specks_in_a_wide_crack_are_no_cracks_of_their_own():
    mask = np.zeros((60, 300), bool)
    mask[20:40, 25:275] = True
    for x in range(40, 270, 40):
        mask[27 + x % 7, x] = False
    (found,) = measure(None, mask, SETTINGS)
    assert found.length_px == pytest.approx(250, abs=0.5)


def test_road_between_two_thin_cracks_is_no_speck():
    part = np.zeros((20, 20), bool)
    part[5:8, 5:15] = 1
    part[6, 8:11] = 0  # one pixel of crack around it
    assert np.array_equal(without_specks(part), part)
    part[4:9, 5:15] = 1
    part[6, 8:11] = 0  # two
    filled = without_specks(part)
    assert filled[6, 8:11].all()
    assert filled.sum() == part.sum() + 3


@pytest.mark.parametrize(("width", "degrees"), [(3, 20), (8, 30), (20, 30), (20, 45), (20, 90)])
def test_a_pixel_missing_beside_a_crack_s_edge_makes_it_no_longer(width, degrees):
    turn = np.deg2rad(degrees)
    arm = 80 * np.array([np.sin(turn), -np.cos(turn)])
    mask = bar(100.3 - arm, 100.3 + arm, width, (200, 200)) >= 0.5
    padded = np.pad(mask, 1).astype(int)
    beside = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    around = beside + padded[:-2, :-2] + padded[:-2, 2:] + padded[2:, :-2] + padded[2:, 2:]
    ys, xs = np.nonzero(mask & (beside == 4))
    nearest = np.argsort(around[ys, xs] + np.hypot(xs - 100, ys - 100) / 1000)[:5]
    for y, x in zip(ys[nearest], xs[nearest], strict=True):
        ragged = mask.copy()
        ragged[y, x] = False
        (found,) = measure(None, ragged, SETTINGS)
        assert found.length_px == pytest.approx(160, rel=0.02)


def two_cracks(width, apart, degrees):
    turn = np.deg2rad(degrees)
    arm, aside = 100 * np.array([np.sin(turn), -np.cos(turn)]), np.array([np.cos(turn), np.sin(turn)])
    middles = [150.3 + side * (width + apart) / 2 * aside for side in (-1, 1)]
    return np.maximum(*(bar(middle - arm, middle + arm, width, (300, 300)) for middle in middles)) >= 0.5


@pytest.mark.parametrize("width", [8, 14, 20])
@pytest.mark.parametrize("apart", [1.0, 1.4])
@pytest.mark.parametrize("degrees", [0, 10, 45, 60, 80, 100, 120, 135, 170])
def test_two_thick_cracks_a_pixel_apart_are_two(width, apart, degrees):
    found = measure(None, two_cracks(width, apart, degrees), SETTINGS)
    assert [one.length_px for one in found] == pytest.approx([200, 200], rel=0.01)
    assert [one.width_mean_px for one in found] == pytest.approx([width, width], abs=1.01)  # whole pixels add one
    assert max(one.width_max_px for one in found) <= width + 1.01


@pytest.mark.parametrize("every", [3, 7, 20, 150])
@pytest.mark.parametrize("width", [8, 20])
def test_pixels_that_close_a_slit_join_no_cracks(width, every):
    mask = np.zeros((80, 300), bool)
    mask[15 : 15 + width, 50:250] = mask[16 + width : 16 + 2 * width, 50:250] = True
    mask[15 + width, 60:250:every] = True
    found = measure(None, mask, SETTINGS)
    assert [one.length_px for one in found] == pytest.approx([200, 200], abs=0.5)
    assert [one.width_mean_px for one in found] == pytest.approx([width, width], abs=0.02)


def test_a_seam_that_is_closed_for_the_most_part_is_one_crack_as_wide_as_both():
    mask = np.zeros((80, 300), bool)
    mask[15:44, 50:250] = True
    mask[29, 55:250:5] = mask[29, 56:250:5] = False
    (found,) = measure(None, mask, SETTINGS)
    assert found.length_px == pytest.approx(200, abs=0.5)
    assert found.width_mean_px == pytest.approx(29, abs=0.02)


def test_large_holes_and_those_at_the_frame_stay():
    part = np.ones((20, 20), bool)
    part[8:12, 8:12] = 0
    part[0, 3] = part[19, 19] = 0
    assert np.array_equal(without_specks(part), part)
