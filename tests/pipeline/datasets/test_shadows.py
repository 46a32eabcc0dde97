"""Shadows: they darken, lean to blue, keep the texture, hide nothing, and the same seed draws the same."""

import numpy as np
import pytest

from pipeline.datasets import shadows
from pipeline.datasets.shadows import draw_shadow
from pipeline.datasets.window_labels import CRACK
from pipeline.datasets.windows import Drawn, cut_window
from pipeline.settings import WindowSettings

SHAPE = (192, 256)


def road() -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.clip(rng.normal(140, 8, (*SHAPE, 1)).repeat(3, axis=2), 0, 255).astype(np.uint8)


def test_they_darken_and_lean_to_blue_and_hide_nothing() -> None:
    shaded = 0
    for seed in range(30):
        picture = road()
        drawn, hidden = draw_shadow(picture, np.random.default_rng(seed))
        assert np.array_equal(picture, road())
        assert not hidden.any()
        assert (drawn <= picture).all()
        deep = drawn[..., 1] < 0.8 * picture[..., 1]
        if deep.mean() > 0.01:
            shaded += 1
            red, _, blue = drawn[deep].astype(float).mean(0)
            assert blue > red
            assert drawn[deep].min() > 0.2 * 140 - 30
        again, _ = draw_shadow(picture, np.random.default_rng(seed))
        assert np.array_equal(drawn, again)
    assert shaded > 15


@pytest.mark.parametrize(
    ("kind", "least", "most"), [("_posts", 0.005, 0.9), ("_vehicle", 0.02, 0.95), ("_tree", 0.02, 0.95)]
)
def test_each_kind_covers_a_part_of_the_picture(kind: str, least: float, most: float) -> None:
    covers = [getattr(shadows, kind)(SHAPE, np.random.default_rng(seed)) for seed in range(20)]
    assert all(cover.shape == SHAPE and cover.min() >= 0 and cover.max() <= 1 for cover in covers)
    assert least < np.mean([cover.mean() for cover in covers]) < most


def test_a_crack_in_the_shadow_is_a_crack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.datasets.windows.draw_look_alike", draw_shadow)
    labels = np.zeros(SHAPE, np.uint8)
    labels[90:94] = CRACK
    settings = WindowSettings(count=8, width=256, height=192, scale_min=1, scale_max=1)
    for seed in range(6):
        window = cut_window(road(), labels, settings, np.random.default_rng(seed), Drawn(look_alikes=1))
        assert (window[90:94, :, 3] == CRACK).all()
