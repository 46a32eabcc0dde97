"""Which masks a folder, glob or path names, and that none is left out in silence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from models.errors import DataError
from pipeline.measuring.settings import MeasureSettings
from pipeline.placing.drawn_masks import find_masks, measure_masks, write_rows
from tests.closed import close


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    """Files that need no content to be found."""
    root = tmp_path / "masks"
    for name in ("b.png", "a/2.PNG", "a/deep/1.tif", "notes.txt", ".kept/c.png", "d.png/e.png", "d.png/.t/f.png"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    (root / "linked").symlink_to(root / "a")
    (root / "gone.png").symlink_to(root / "nowhere")
    return root


def names(given: object) -> list[str]:
    return [name for name, _ in find_masks(str(given))]


def test_a_folder_a_glob_and_a_file(masks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert names(masks) == [".kept/c.png", "a/2.PNG", "a/deep/1.tif", "b.png", "d.png/.t/f.png", "d.png/e.png"]
    assert names(masks / "b.png") == ["b.png"]
    monkeypatch.chdir(masks)
    assert names("*/*.png") == names("./*/e.png") == ["d.png/e.png"]
    assert names("**/*.png") == ["b.png", "d.png/e.png"]
    assert names("[ab]/**") == ["a/2.PNG", "a/deep/1.tif"]
    with pytest.raises(DataError, match="holds no mask"):
        names("nowhere/**/*.png")


@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize("folder", ["a", "a/deep", ".kept", ""])
def test_masks_in_a_closed_folder_are_not_left_out(
    masks: Path, monkeypatch: pytest.MonkeyPatch, folder: str, listed: bool
) -> None:
    close(monkeypatch, masks / folder, listed)
    with pytest.raises(DataError) as told:
        names(masks)
    assert told.value.problem == f"The folder {masks / folder} may not be read."
    assert "chmod u+rx" in told.value.remedy


@pytest.mark.parametrize(
    ("folder", "pattern"),
    [
        ("a", "**/*.tif"),
        ("a", "*/deep/1.tif"),
        ("a", "a/*"),
        ("a", "[ab]/**"),
        ("a", "a/deep/*.tif"),
        ("a", "a/deep/1.tif"),
        ("a/deep", "**"),
        ("a/deep", "a/**"),
        ("a/deep", "*/deep/*"),
    ],
)
def test_nor_are_those_of_a_glob_or_a_path(
    masks: Path, monkeypatch: pytest.MonkeyPatch, folder: str, pattern: str
) -> None:
    (masks / "linked").unlink()  # a glob follows it, and would name the folder by that way
    close(monkeypatch, masks / folder)
    with pytest.raises(DataError, match=f"The folder {masks / folder} may not be read"):
        names(masks / pattern)


def test_a_glob_passes_by_folders_that_it_does_not_reach(masks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    close(monkeypatch, masks / "a")
    close(monkeypatch, masks / ".kept")
    assert names(masks / "*.png") == [str(masks / "b.png")]
    assert names(masks / "d*" / "**" / "*.png") == [str(masks / "d.png" / "e.png")]
    monkeypatch.undo()
    close(monkeypatch, masks / ".kept")
    assert names(masks / "**" / "*.png") == [str(masks / "b.png"), str(masks / "d.png" / "e.png")]


def test_a_mask_whose_name_is_not_utf8_is_measured_and_named_as_it_can_be(tmp_path: Path) -> None:
    mask = np.zeros((40, 60), np.uint8)
    mask[20:23, 10:50] = 255
    Image.fromarray(mask).save(tmp_path / "stra\udcdfe.png")
    rows = measure_masks(str(tmp_path), MeasureSettings()).rows
    for name in ("cracks.csv", "cracks.parquet"):
        write_rows(rows, tmp_path / name)
    assert pd.read_parquet(tmp_path / "cracks.parquet")["mask"][0].endswith("stra\\xdfe.png")
