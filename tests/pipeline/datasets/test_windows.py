"""Windows: size, labels, shares, and that equal seeds give equal ones."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from models.errors import DataError
from pipeline.datasets import road_surface
from pipeline.datasets.base import NOT_JUDGED, Sample
from pipeline.datasets.joints import draw_joints
from pipeline.datasets.window_labels import CRACK, label_image
from pipeline.datasets.windows import LIST, Drawn, Windows, cut_window, cut_windows
from pipeline.settings import PartSettings, WindowSettings
from tests.pipeline.datasets.test_pool import pool_of, write_folder

SMALL = WindowSettings(count=40, width=128, height=64)


def sample_of(mask: np.ndarray, ignore: np.ndarray | None = None) -> Sample:
    return Sample("a", "a", np.full((*mask.shape, 3), 90, np.uint8), mask, ignore)


def test_each_part_gets_its_weight_and_each_picture_its_turn(tmp_path: Path) -> None:
    pool = pool_of(
        PartSettings(name="folder", label="town", root=write_folder(tmp_path / "a", seed=1), weight=3),
        PartSettings(name="sample", label="made", count=6, weight=1),
    )
    cut_windows(pool, pool.names, SMALL, 5, tmp_path)
    table = pd.read_parquet(tmp_path / LIST)
    assert table["part"].value_counts().to_dict() == {"town": 30, "made": 10}
    assert set(table["sample"]) == set(pool.names)
    assert table.groupby("sample").size().loc[lambda n: n.index.str.startswith("town")].between(3, 4).all()
    windows = Windows(tmp_path)
    assert len(windows) == 40
    assert windows[0].image.shape == (64, 128, 3)
    assert any(window.mask.any() for window in windows)
    assert [window.name for window in windows[:2]] == table["name"].tolist()[:2]


def test_equal_seeds_give_equal_windows(tmp_path: Path) -> None:
    pool = pool_of(PartSettings(name="sample", label="made", count=6))
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        (tmp_path / folder).mkdir()
        cut_windows(pool, pool.names, SMALL, seed, tmp_path / folder)
    first, again, other = (Windows(tmp_path / folder).pixels for folder in "abc")
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_part_that_says_the_wrong_thing_of_its_cracks_is_refused(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "a", seed=1, cracked=False)
    silent = pool_of(PartSettings(name="folder", label="town", root=root))
    with pytest.raises(DataError, match="clean: true"):
        cut_windows(silent, silent.names, SMALL, 1, tmp_path)
    said = pool_of(PartSettings(name="folder", label="town", root=root, clean=True))
    cut_windows(said, said.names, SMALL, 1, tmp_path)
    wrong = pool_of(PartSettings(name="sample", label="made", count=6, clean=True))
    with pytest.raises(DataError, match="holds cracks"):
        cut_windows(wrong, wrong.names, SMALL, 1, tmp_path)


def test_a_part_too_light_to_show_a_crack_is_not_said_to_hold_none(tmp_path: Path) -> None:
    half = write_folder(tmp_path / "a", seed=1, cracked=False)
    for name in ("as000_1", "as001_1"):
        cv2.imwrite(str(half / "masks" / f"{name}.png"), np.full((96, 128), 255, np.uint8))
    light = [
        PartSettings(name="folder", label="town", root=half, weight=1e-4),
        PartSettings(name="sample", label="made"),
    ]
    pool = pool_of(*light)
    refused = []
    for seed in range(4):
        names = [name for name in pool.names if not name.startswith("town--as00" + str(seed))]
        try:
            cut_windows(pool, names, SMALL, seed, tmp_path)
        except DataError as error:
            refused.append(f"{error} {error.remedy}")
    assert refused
    assert all("got a window (7 there are)" in told and "Raise its weight" in told for told in refused)


def test_a_thin_crack_made_smaller_is_still_there() -> None:
    mask = np.zeros((384, 768), bool)
    mask[:, 300:302] = True
    settings = WindowSettings(count=8, width=384, height=192, scale_min=0.5, scale_max=0.5, on_cracks=1)
    window = cut_window(sample_of(mask).image, label_image(sample_of(mask), False), settings, np.random.default_rng(3))
    assert (window[..., 3] == CRACK).any(axis=1).all()


def test_a_joint_is_no_crack_and_hides_what_it_covers() -> None:
    picture = np.full((96, 128, 3), 120, np.uint8)
    drawn, covered = draw_joints(picture, np.random.default_rng(5))
    assert covered.any()
    assert (picture == 120).all()
    assert np.abs(drawn[covered].astype(int) - 120).mean() > 10
    again, _ = draw_joints(picture, np.random.default_rng(5))
    assert np.array_equal(drawn, again)
    everywhere = np.full((96, 128), CRACK, np.uint8)
    settings = WindowSettings(count=8, width=128, height=64, scale_min=1, scale_max=1)
    windows = [
        cut_window(picture, everywhere, settings, np.random.default_rng(seed), Drawn(look_alikes=1))
        for seed in range(6)
    ]
    assert {*np.unique([window[..., 3] for window in windows])} == {CRACK, NOT_JUDGED}


@pytest.mark.parametrize("kind", ["thin_cracks", "open_cracks", "relief"])
def test_a_window_that_shows_no_road_is_not_drawn_upon(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    picture = np.random.default_rng(0).integers(100, 140, (192, 256, 3)).astype(np.uint8)
    nothing = np.zeros((192, 256), np.uint8)
    settings = WindowSettings(count=8, width=256, height=192, scale_min=1, scale_max=1)

    def window() -> np.ndarray:
        return cut_window(picture, nothing, settings, np.random.default_rng(1), Drawn(**{kind: 1.0}))

    assert (window()[..., :3] != picture).any()
    monkeypatch.setattr(road_surface, "ROAD_TONES", 0)
    assert np.array_equal(window(), np.dstack([picture, nothing]))
