from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.errors import DataError
from pipeline.datasets import open_dataset
from pipeline.datasets.splits import make_split
from pipeline.settings import make_settings
from pipeline.stages.prepare import load_part, prepare
from tests.pipeline.datasets.test_pool import write_folder


def test_pictures_without_any_crack_train_nothing(tmp_path: Path) -> None:
    for folder in ("images", "masks", "out"):
        (tmp_path / folder).mkdir()
    for name in "abcdef":
        Image.fromarray(np.full((64, 64, 3), 90, np.uint8)).save(tmp_path / "images" / f"{name}.png")
        Image.fromarray(np.zeros((64, 64), np.uint8)).save(tmp_path / "masks" / f"{name}.png")
    settings = make_settings("smoke", {"dataset": {"name": "folder", "root": tmp_path}})
    with pytest.raises(DataError, match=r"train part .* has a crack") as refused:
        prepare(settings, tmp_path / "out")
    assert "--mask-values" in refused.value.remedy


@pytest.mark.parametrize("split", ["paper", "fold0"])
def test_no_threshold_is_chosen_where_there_is_no_crack(tmp_path: Path, split: str) -> None:
    root = write_folder(tmp_path / "town", seed=1)
    settings = make_settings("smoke", {"dataset": {"name": "folder", "root": root, "split": split}})
    for name in make_split(open_dataset(settings.dataset), split, settings.dataset.split_seed).val:
        Image.fromarray(np.zeros((96, 128), np.uint8)).save(root / "masks" / f"{name}.png")
    (tmp_path / "out").mkdir()
    with pytest.raises(DataError, match=r"val part .* has a crack") as refused:
        prepare(settings, tmp_path / "out")
    assert "split_seed" in refused.value.remedy


def test_one_photograph_under_two_names_on_two_sides_is_told_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for folder in ("images", "masks", "out"):
        (tmp_path / folder).mkdir()
    for number, name in enumerate("abcdefgh"):
        picture = np.random.default_rng(number // 2).integers(0, 255, (64, 64, 3), np.uint8)  # each one twice
        Image.fromarray(picture).save(tmp_path / "images" / f"{name}.png")
        mask = np.zeros((64, 64), np.uint8)
        mask[30:32, 10:50] = 255
        Image.fromarray(mask).save(tmp_path / "masks" / f"{name}.png")
    (tmp_path / "test.txt").write_text("a")
    prepare(make_settings("smoke", {"dataset": {"name": "folder", "root": tmp_path}}), tmp_path / "out")
    told = [line.getMessage() for line in caplog.records if "two sides of the split" in line.getMessage()]
    assert len(told) == 1
    assert re.match(r"\d photographs stand", told[0])
    assert told[0].count(" in ") == 2


def test_of_a_pool_it_is_told_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = write_folder(tmp_path / "town", seed=1)
    (root / "images" / "as001_1.png").write_bytes((root / "images" / "as005_1.png").read_bytes())
    part = {
        "name": "folder",
        "label": "town",
        "root": root,
        "scene": r"(as00\d)_",
        "test": "as00[0-3]",
        "val": "as00[5-7]",
    }
    windows = {"count": 8, "width": 64, "height": 64}
    (tmp_path / "out").mkdir()
    prepare(
        make_settings("smoke", {"dataset": {"name": "pool", "parts": [part], "windows": windows}}), tmp_path / "out"
    )
    told = [line.getMessage() for line in caplog.records if "two sides of the split" in line.getMessage()]
    assert len(told) == 1
    assert set(re.findall(r"town--\w+", told[0])) == {"town--as001_1", "town--as005_1"}


def test_photographs_that_training_could_not_hold_are_refused_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_folder(tmp_path / "town", seed=1)
    settings = make_settings("smoke", {"dataset": {"name": "folder", "root": root}})
    (tmp_path / "out").mkdir()
    monkeypatch.setattr("os.sysconf", lambda name: {"SC_PHYS_PAGES": 50, "SC_PAGE_SIZE": 4096}[name])
    with pytest.raises(DataError, match=r"take 0\.\d GB in memory") as refused:
        prepare(settings, tmp_path / "out")
    assert "--dataset pool" in refused.value.remedy


def test_a_line_of_pixels_is_refused_before_training(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "town", seed=1)
    name = sorted((root / "images").iterdir())[0].stem
    Image.fromarray(np.full((1, 40, 3), 90, np.uint8)).save(root / "images" / f"{name}.png")
    Image.fromarray(np.zeros((1, 40), np.uint8)).save(root / "masks" / f"{name}.png")
    (tmp_path / "out").mkdir()
    with pytest.raises(DataError, match=rf"{name} is 40×1 px, too small"):
        prepare(make_settings("smoke", {"dataset": {"name": "folder", "root": root}}), tmp_path / "out")


@pytest.mark.parametrize("part", ["train", "val", "test"])
@pytest.mark.parametrize("kind", ["images", "masks"])
def test_data_that_change_while_a_run_goes_on_are_refused(tmp_path: Path, part: str, kind: str) -> None:
    root = write_folder(tmp_path / "town", seed=1, count=16)
    settings = make_settings("smoke", {"dataset": {"name": "folder", "root": root}})
    (tmp_path / "out").mkdir()
    prepare(settings, tmp_path / "out")
    names = [sample.name for sample in load_part(settings, tmp_path / "out", part)]
    file = root / kind / f"{names[0]}.png"
    before = file.read_bytes()
    Image.fromarray(np.zeros((96, 128) if kind == "masks" else (96, 128, 3), np.uint8)).save(file)
    with pytest.raises(DataError, match=rf"{names[0]}: the photograph or its mask has changed"):
        list(load_part(settings, tmp_path / "out", part))
    file.write_bytes(before)  # what was found goes by these again
    assert [sample.name for sample in load_part(settings, tmp_path / "out", part)] == names
