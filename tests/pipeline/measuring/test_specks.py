"""Holes in masks: specks of wide cracks, and road between thin ones."""

import numpy as np
import pytest

from pipeline.measuring.cracks import measure
from pipeline.measuring.settings import MeasureSettings
from pipeline.measuring.specks import without_specks
from tests.pipeline.measuring.drawn import band, bar

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
    part[6:14, 6:14] = 0
    part[0, 3] = part[19, 19] = 0
    assert np.array_equal(without_specks(part), part)


@pytest.mark.parametrize(
    ("width", "side", "holes", "most"),
    [(8, 2, 3, 0.01), (8, 2, 10, 0.02), (14, 4, 3, 0.01), (14, 4, 10, 0.05), (20, 6, 3, 0.02), (20, 6, 10, 0.2)],
)
def test_holes_narrower_than_the_crack_beside_them_hardly_lengthen_it(width, side, holes, most):
    x = np.linspace(30, 270, 300)
    points = np.stack([x, 75 + 12 * np.sin(x / 25)], 1)
    drawn = band(points, width, (150, 300)) >= 0.5
    ys, xs = np.nonzero(drawn)
    longer = []
    for seed in range(5):
        mask = drawn.copy()
        for i in np.random.default_rng(seed).choice(len(ys), holes):
            mask[ys[i] : ys[i] + side, xs[i] : xs[i] + side] = False
        found = measure(None, mask, SETTINGS)
        longer.append(sum(one.length_px for one in found) / np.hypot(*np.diff(points, axis=0).T).sum() - 1)
    assert abs(np.mean(longer)) <= most


@pytest.mark.parametrize(("width", "cell"), [(1, 3), (2, 4), (3, 5), (4, 5), (6, 7), (10, 11)])
@pytest.mark.parametrize("aslant", [False, True])
def test_cells_of_a_net_are_no_holes(width, cell, aslant):
    y, x = np.mgrid[:130, :130]
    a, b = (x + y, x - y) if aslant else (x, y)
    wide, every = (round(width * 2**0.5), round((width + cell) * 2**0.5)) if aslant else (width, width + cell)
    net = ((a % every < wide) | (b % every < wide)) & (abs(x - 65) < 60) & (abs(y - 65) < 60)
    assert without_specks(net)[12:-12, 12:-12].sum() == net[12:-12, 12:-12].sum()


def test_holes_count_as_crack_in_what_a_network_says_too():
    clear = np.zeros((60, 300), np.float32)
    clear[20:40, 25:275] = 0.9
    holes = clear.copy()
    for x in range(40, 270, 40):
        holes[26 : 26 + x % 7, x : x + 6] = 0
    (one,) = measure(clear, clear >= 0.5, SETTINGS)
    (found,) = measure(holes, holes >= 0.5, SETTINGS)
    assert found.length_px == pytest.approx(250, abs=1)
    assert found.width_mean_px == pytest.approx(one.width_mean_px, abs=0.3)
