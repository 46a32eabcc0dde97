"""Wide open cracks drawn into photographs: dark and wide, on the road alone, thinning out where they end."""

import cv2
import numpy as np
import pytest

from pipeline.datasets import drawn_cracks, open_cracks
from pipeline.datasets.base import NOT_JUDGED
from pipeline.datasets.open_cracks import WIDEST_PX, draw_open_cracks
from pipeline.datasets.road_surface import road_of
from pipeline.datasets.window_labels import CRACK
from pipeline.datasets.windows import Drawn, cut_window
from pipeline.settings import WindowSettings

TONE = 140
ROAD = np.ones((384, 448), np.bool_)  # all of it
SEEDS = range(12)


def road() -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.clip(rng.normal(TONE, 6, (384, 448, 1)).repeat(3, axis=2), 0, 255).astype(np.uint8)


def deepest(cracked: np.ndarray) -> float:
    return float(2 * cv2.distanceTransform(cracked.view(np.uint8), cv2.DIST_L2, 5).max())


def test_they_are_dark_and_nothing_changes_far_from_them() -> None:
    for seed in SEEDS:
        picture = road()
        drawn, cracked = draw_open_cracks(picture, ROAD, np.random.default_rng(seed))
        assert np.array_equal(picture, road())
        assert 0 < cracked.mean() < 0.3
        assert drawn[cracked].mean() < 0.85 * TONE
        beyond = cv2.dilate(cracked.view(np.uint8), np.ones((25, 25))) == 0
        assert np.abs(drawn[beyond].astype(int) - picture[beyond]).mean() < 1
        again, same = draw_open_cracks(picture, ROAD, np.random.default_rng(seed))
        assert np.array_equal(drawn, again)
        assert np.array_equal(cracked, same)


def test_many_are_wider_than_thin_cracks_ever_are_and_none_fills_the_picture() -> None:
    widths = [deepest(draw_open_cracks(road(), ROAD, np.random.default_rng(seed))[1]) for seed in range(40)]
    assert np.quantile(widths, 0.5) > 2 * drawn_cracks.WIDEST_PX
    assert np.quantile(widths, 0.9) > 25
    assert max(widths) < 2.5 * WIDEST_PX


def test_a_wide_one_is_darker_in_its_middle_than_sealant_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_cracks, "NARROWEST_PX", 30)
    monkeypatch.setattr(open_cracks, "GRITTY", 0)
    wide = 0
    for seed in SEEDS:
        drawn, cracked = draw_open_cracks(road(), ROAD, np.random.default_rng(seed))
        depth = cv2.distanceTransform(cracked.view(np.uint8), cv2.DIST_L2, 5)
        if depth.max() > 10:
            wide += 1
            assert drawn[depth > 0.8 * depth.max()].mean() < 0.3 * TONE
    assert wide > len(SEEDS) / 2


def test_grit_fills_some_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def tone(share: float, seed: int) -> float:
        monkeypatch.setattr(open_cracks, "GRITTY", share)
        drawn, cracked = draw_open_cracks(road(), ROAD, np.random.default_rng(seed))
        return float(drawn[cracked].mean())

    assert np.mean([tone(1, seed) - tone(0, seed) for seed in SEEDS]) > 3


def test_one_that_ends_in_the_picture_thins_out(monkeypatch: pytest.MonkeyPatch) -> None:
    path = np.stack([np.linspace(100, 300, 81), np.full(81, 190.0)], 1)
    crack = open_cracks.CrackTruth(path, np.full(81, 20.0), np.ones(81))
    thin = open_cracks._tapered(crack, 1, 448, 384).widths
    assert thin[40] == 20
    assert thin[0] == thin[-1] < 6
    whole = open_cracks._tapered(open_cracks.CrackTruth(path - (100, 0), crack.widths, crack.opacity), 1, 448, 384)
    assert whole.widths[0] == 20  # goes on beyond the frame


def test_a_verge_gets_none() -> None:
    picture = road()
    picture[:, :150] = (40, 120, 40)  # grass
    for seed in SEEDS:
        drawn, cracked = draw_open_cracks(picture, road_of(picture), np.random.default_rng(seed))
        assert not cracked[:, :135].any()
        assert np.array_equal(drawn[:, :135], picture[:, :135])


def test_in_a_window_they_are_crack_and_beside_them_nothing_is_judged() -> None:
    settings = WindowSettings(count=8, width=448, height=384, scale_min=1, scale_max=1)
    nothing = np.zeros((384, 448), np.uint8)
    window = cut_window(road(), nothing, settings, np.random.default_rng(1), Drawn(open_cracks=1))
    crack = (window[..., 3] == CRACK).view(np.uint8)
    ring = (cv2.dilate(crack, np.ones((3, 3))) > 0) & (crack == 0)
    assert crack.any()
    assert (window[..., 3][ring] == NOT_JUDGED).mean() > 0.7
