"""What a folder of photographs and masks holds and is not read is told."""

from __future__ import annotations

import shutil

import pytest

from models.errors import DataError
from pipeline.datasets.folder import ImageFolder
from pipeline.datasets.info import describe_root
from pipeline.datasets.passed_over import DANGLING, HIDDEN, OTHER, SUBFOLDER

from .conftest import Maker, save, save_mask


def test_what_is_left_out_is_told_once_a_kind(make_folder: Maker) -> None:
    root = make_folder()
    save(root / "images" / "deep" / "9.jpg")
    save_mask(root / "masks" / "deep" / "9.png")
    for name in ("images/7.gif", "masks/7.gif", "images/8.HEIC", "images/._a.png", "images/.DS_Store", "images/b.txt"):
        (root / name).write_bytes(b"")
    (root / "images" / "gone").symlink_to(root / "nowhere")
    told = describe_root(root)
    assert (told["samples"], told["problems"]) == (3, [])
    assert told["notes"] == [
        f"{root / 'images' / '._a.png'}: {HIDDEN}",
        f"{root / 'images' / '7.gif'} (2 more like it): {OTHER}",
        f"{root / 'images' / 'deep'} (1 more like it): {SUBFOLDER}",
        f"{root / 'images' / 'gone'}: {DANGLING}",
    ]
    assert ImageFolder(root).notes == told["notes"]  # before any is loaded, for training tells them too


def test_what_is_read_is_not_told(make_folder: Maker) -> None:
    assert describe_root(make_folder())["notes"] == []


def test_a_counterpart_of_another_format_is_named(make_folder: Maker) -> None:
    root = make_folder()
    save(root / "images" / "7.gif")
    save_mask(root / "masks" / "7.png")
    with pytest.raises(DataError, match=r"7\.png has no photograph in .*, but for 7\.gif, whose format") as told:
        ImageFolder(root)
    assert "as PNG" in told.value.remedy


def test_where_all_is_left_out_it_is_told_why(make_folder: Maker) -> None:
    root = make_folder()
    for folder in ("images", "masks"):
        (root / folder / "deep").mkdir()
        for path in (root / folder).glob("*.png"):
            shutil.move(path, root / folder / "deep")
    with pytest.raises(DataError, match=r"holds no pictures \(.*deep \(1 more like it\): a folder, which"):
        ImageFolder(root)
