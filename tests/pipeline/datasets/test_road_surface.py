"""What counts as road: the picture's usual colour; and how rough it looks."""

import numpy as np
import pytest

from pipeline.datasets.road_surface import road_of, texture_of


def picture(rough: float = 6) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.clip(rng.normal(120, rough, (192, 256, 1)).repeat(3, axis=2), 0, 255).astype(np.uint8)


def test_a_bare_road_is_road_everywhere() -> None:
    assert road_of(picture()).all()


def test_grass_and_paint_are_none() -> None:
    seen = picture()
    seen[:, :60] = (40, 120, 40)
    seen[:, 180:220] = 250
    road = road_of(seen)
    assert not road[:, :50].any()
    assert not road[:, 190:210].any()
    assert road[:, 80:160].all()


@pytest.mark.parametrize("rough", [4.0, 12.0])
def test_texture_is_the_deviation_by_the_mean(rough: float) -> None:
    road = np.ones((192, 256), np.bool_)
    assert texture_of(picture(rough), road) == pytest.approx(rough / 120, rel=0.05)
