"""Cracks drawn into photographs: dark, thin, on the road alone, and every pixel of theirs known."""

import cv2
import numpy as np
import pytest

from pipeline.datasets import drawn_cracks
from pipeline.datasets.base import NOT_JUDGED
from pipeline.datasets.drawn_cracks import FAINTEST, WIDEST_PX, draw_cracks
from pipeline.datasets.road_surface import road_of
from pipeline.datasets.window_labels import CRACK
from pipeline.datasets.windows import Drawn, cut_window
from pipeline.settings import WindowSettings

TONE = 120
ROAD = np.ones((192, 256), np.bool_)  # all of it


def road(seed: int = 0, rough: float = 6) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.clip(rng.normal(TONE, rough, (192, 256, 1)).repeat(3, axis=2), 0, 255).astype(np.uint8)


@pytest.fixture
def dark(monkeypatch: pytest.MonkeyPatch) -> None:
    """No crack is filled with dust."""
    monkeypatch.setattr(drawn_cracks, "SILTED", 0)


@pytest.mark.usefixtures("dark")
def test_cracks_are_darker_than_the_road_and_nothing_changes_far_from_them() -> None:
    for seed in range(8):
        picture = road(seed)
        before = picture.copy()
        drawn, cracked = draw_cracks(picture, ROAD, np.random.default_rng(seed))
        assert np.array_equal(picture, before)
        assert 0 < cracked.mean() < 0.2
        assert drawn[cracked].mean() < before[cracked].mean() * (1 - FAINTEST / 3)
        assert (drawn <= before).all()
        beyond = cv2.dilate(cracked.view(np.uint8), np.ones((13, 13))) == 0
        assert np.abs(drawn[beyond].astype(int) - before[beyond]).mean() < 1
        again, same = draw_cracks(picture, ROAD, np.random.default_rng(seed))
        assert np.array_equal(drawn, again)
        assert np.array_equal(cracked, same)


def test_they_are_thin_but_where_they_meet() -> None:
    for seed in range(8):
        _, cracked = draw_cracks(road(seed), ROAD, np.random.default_rng(seed))
        depth = cv2.distanceTransform(cracked.view(np.uint8), cv2.DIST_L2, 5)
        assert (2 * depth[cracked] - 1 > WIDEST_PX + 1).mean() < 0.03


def test_filled_with_dust_they_are_paler_and_redder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn_cracks, "SILTED", 1)
    for seed in range(4):
        drawn, cracked = draw_cracks(road(seed), ROAD, np.random.default_rng(seed))
        red, green, blue = (drawn[cracked].astype(float) - road(seed)[cracked]).mean(0)
        assert red > green > blue > 0


@pytest.mark.usefixtures("dark")
def test_on_a_rough_road_they_are_darker_than_on_a_smooth_one() -> None:
    def taken(rough: float) -> float:
        drawn = [(road(0, rough), *draw_cracks(road(0, rough), ROAD, np.random.default_rng(seed))) for seed in range(8)]
        return float(np.mean([(before[m].astype(int) - after[m]).mean() for before, after, m in drawn]))

    assert taken(20) > 1.5 * taken(4)


def test_a_verge_gets_none() -> None:
    picture = road()
    picture[:, :100] = (40, 120, 40)  # grass
    for seed in range(6):
        drawn, cracked = draw_cracks(picture, road_of(picture), np.random.default_rng(seed))
        assert not cracked[:, :90].any()
        assert np.array_equal(drawn[:, :90], picture[:, :90])


def test_in_a_window_they_are_crack_and_beside_them_nothing_is_judged() -> None:
    settings = WindowSettings(count=8, width=256, height=192, scale_min=1, scale_max=1)
    nothing = np.zeros((192, 256), np.uint8)
    window = cut_window(road(), nothing, settings, np.random.default_rng(1), Drawn(thin_cracks=1))
    crack = (window[..., 3] == CRACK).view(np.uint8)
    ring = (cv2.dilate(crack, np.ones((3, 3))) > 0) & (crack == 0)
    assert crack.any()
    assert (window[..., 3][ring] != 0).mean() > 0.7
    assert {*np.unique(window[..., 3])} == {0, CRACK, NOT_JUDGED}
    without = cut_window(road(), nothing, settings, np.random.default_rng(1))
    assert not without[..., 3].any()
