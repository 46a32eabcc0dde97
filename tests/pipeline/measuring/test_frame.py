"""Cracks that the frame cuts, and those that run along it."""

import cv2
import numpy as np
import pytest

from pipeline.measuring.cracks import measure
from pipeline.measuring.settings import MeasureSettings
from tests.pipeline.measuring.drawn import band, bar

SETTINGS = MeasureSettings()


@pytest.mark.parametrize("degrees", [10, 15, 20, 30, 45, 60, 90])
@pytest.mark.parametrize("width", [1.5, 3, 5, 10])
def test_a_crack_that_leaves_the_frame_aslant_is_as_long_as_its_centre_line(width, degrees):
    """80 px of the centre line lie in the picture, whatever the frame cuts off on one side."""
    turn = np.deg2rad(degrees)
    along = np.array([np.sin(turn), np.cos(turn)])
    for down in (0, 0.3, 0.6):
        out = np.array([260, 100 + down])
        share = bar(out - 80 * along, out + 120 * along, width, (200, 260))
        (found,) = measure(share, share >= 0.5, SETTINGS)
        assert found.length_px == pytest.approx(80, abs=1.2)
        assert found.width_mean_px == pytest.approx(width, abs=0.2)
        assert "frame" in found.flags or (width >= 5 and degrees <= 15)  # its end is too far off to tell


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("length", [20, 40, 80])
@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_a_crack_that_runs_along_the_frame_is_measured_as_any_other(width, length, turns):
    mask = np.zeros((120, 140), bool)
    mask[:width, 30 : 30 + length] = True
    (found,) = measure(None, np.rot90(mask, turns), SETTINGS)
    assert found.length_px == pytest.approx(length, abs=0.6)
    assert found.width_mean_px == pytest.approx(width, abs=0.05)
    assert "frame" not in found.flags


@pytest.mark.parametrize("top", [0, 1, 2, 3, 30])
def test_a_crack_that_winds_along_the_frame_loses_nothing_to_it(top):
    x = np.linspace(10, 250, 2000)
    points = np.stack([x, top + 2 + 2 * np.sin(x / 9)], 1)
    share = band(points, 4, (100, 260))
    (found,) = measure(share, share >= 0.5, SETTINGS)
    assert found.length_px == pytest.approx(np.hypot(*np.diff(points, axis=0).T).sum(), rel=0.01)


@pytest.mark.parametrize(("width", "limb"), [(2, 12), (2, 25), (5, 40), (8, 40)])
def test_a_limb_along_the_frame_is_kept_where_the_crack_turns_away(width, limb):
    mask = np.zeros((120, 220), np.uint8)
    corner = (100, width // 2)
    cv2.polylines(mask, [np.array([(20, 110), corner, (100 + limb, width // 2)], np.int32)], False, 1, width)
    (found,) = measure(None, mask > 0, SETTINGS)
    assert found.length_px == pytest.approx(np.hypot(80, 110 - width // 2) + limb, rel=0.04)
    assert "frame" not in found.flags


def test_bars_that_meet_at_the_frame_are_as_long_as_drawn():
    mask = np.zeros((100, 200), bool)
    mask[:3, 60:100] = mask[:60, 80:83] = True
    lengths = sorted(crack.length_px for crack in measure(None, mask, SETTINGS))
    assert lengths == pytest.approx([40, 58.5], abs=1)


def test_no_line_leaves_the_picture():
    rng = np.random.default_rng(1)
    for _ in range(60):
        mask = np.zeros((40, 52), np.uint8)
        for _ in range(rng.integers(1, 4)):
            points = rng.integers(-5, 57, (3, 2)).astype(np.int32)
            cv2.polylines(mask, [points], False, 1, int(rng.integers(1, 8)))
        for crack in measure(None, mask > 0, SETTINGS):
            if len(crack.line):
                assert crack.line.min() >= 0
                assert (crack.line <= (52, 40)).all()
