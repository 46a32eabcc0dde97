"""Relief under a low sun: cracks are steps with a shaded side, stones have one too, and only the road is drawn upon."""

import cv2
import numpy as np
import pytest

from pipeline.datasets import relief
from pipeline.datasets.base import NOT_JUDGED
from pipeline.datasets.relief import draw_relief
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


def test_the_road_is_rough_its_light_stays_and_the_same_seed_draws_the_same() -> None:
    for seed in SEEDS:
        picture = road()
        drawn, cracked = draw_relief(picture, ROAD, np.random.default_rng(seed))
        assert np.array_equal(picture, road())
        assert cracked.mean() < 0.3
        assert drawn[~cracked].std() > 7  # 6 before
        assert abs(drawn.mean() - TONE) < 20
        again, same = draw_relief(picture, ROAD, np.random.default_rng(seed))
        assert np.array_equal(drawn, again)
        assert np.array_equal(cracked, same)


def test_some_have_no_crack_and_cracks_are_darker_than_what_is_around_them() -> None:
    pairs = [draw_relief(road(), ROAD, np.random.default_rng(seed)) for seed in range(60)]
    with_cracks = [(drawn, cracked) for drawn, cracked in pairs if cracked.any()]
    assert 5 < len(pairs) - len(with_cracks) < 25
    darker = [drawn[~cracked].mean() - drawn[cracked].mean() for drawn, cracked in with_cracks]
    assert np.quantile(darker, 0.1) > 0
    assert np.median(darker) > 15


@pytest.mark.parametrize("tone", [35, 90, 140])
def test_every_crack_can_be_seen(tone: int) -> None:
    for seed in range(30):
        picture = np.clip(road().astype(int) - TONE + tone, 0, 255).astype(np.uint8)
        drawn, cracked = draw_relief(picture, ROAD, np.random.default_rng(seed))
        if cracked.any():
            beside = drawn[~cracked].astype(float)
            assert beside.mean() - drawn[cracked].mean() > 0.35 * beside.std()


def test_a_trench_has_a_shaded_wall_and_a_lit_one_across_the_sun() -> None:
    class FromTheLeft:
        def uniform(self, low: float, high: float) -> float:
            return np.pi if high == 2 * np.pi else low  # the sun at its lowest, nothing hidden

    across = np.abs(np.arange(60) - 30.0)
    trench = np.tile(-np.clip(6 - across, 0, 4), (40, 1)).astype(np.float32)  # walls of 45°, 4 px deep
    light = relief._light(trench, np.zeros_like(trench), FromTheLeft())  # type: ignore[arg-type]
    flat, shaded, lit = light[20, 10], light[20, 26], light[20, 34]
    assert flat == pytest.approx(1)
    assert shaded == pytest.approx(relief.DIMMEST_SKY)  # steeper than the sun: the sky alone
    low = relief.LOWEST_SUN  # Lambert: (tan + slope) / sqrt(1 + slope²) times as much sun as on the flat
    assert lit == pytest.approx(relief.DIMMEST_SKY + (1 - relief.DIMMEST_SKY) * (low + 1) / (low * 2**0.5), rel=1e-4)
    assert light[20, 28] == pytest.approx(relief.DIMMEST_SKY)  # its floor lies in the wall's shadow


def test_a_verge_gets_none() -> None:
    picture = road()
    picture[:, :150] = (40, 120, 40)  # grass
    for seed in SEEDS:
        drawn, cracked = draw_relief(picture, road_of(picture), np.random.default_rng(seed))
        assert not cracked[:, :135].any()
        assert np.array_equal(drawn[:, :135], picture[:, :135])


def test_in_a_window_they_are_crack_and_beside_them_nothing_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relief, "UNCRACKED", 0)
    settings = WindowSettings(count=8, width=448, height=384, scale_min=1, scale_max=1)
    nothing = np.zeros((384, 448), np.uint8)
    window = cut_window(road(), nothing, settings, np.random.default_rng(1), Drawn(relief=1))
    crack = (window[..., 3] == CRACK).view(np.uint8)
    ring = (cv2.dilate(crack, np.ones((3, 3))) > 0) & (crack == 0)
    assert crack.any()
    assert (window[..., 3][ring] == NOT_JUDGED).mean() > 0.7
