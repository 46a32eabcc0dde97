from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.errors import DataError
from pipeline.datasets.folder import ImageFolder
from pipeline.datasets.splits import make_split
from pipeline.mask_values import MaskValues

from .conftest import Maker, save, save_mask


def test_any_format_pairs_by_stem(make_folder: Maker) -> None:
    root = make_folder(names=("a",))
    save(root / "images" / "b.JPG")
    save_mask(root / "masks" / "b.tif")
    (root / "images" / "notes.txt").write_text("no picture")
    (root / "images" / ".hidden.png").write_bytes(b"no picture either")
    dataset = ImageFolder(root)
    assert dataset.names == ("a", "b")
    assert dataset.load("b").mask.sum() == 12
    assert dataset.group("b") == "b"


def test_two_pictures_of_one_stem(make_folder: Maker) -> None:
    root = make_folder()
    save(root / "images" / "a.jpg")
    with pytest.raises(DataError, match="two pictures of one name"):
        ImageFolder(root)


def test_missing_mask_is_named_and_counted(make_folder: Maker) -> None:
    root = make_folder()
    (root / "masks" / "a.png").unlink()
    (root / "masks" / "c.png").unlink()
    with pytest.raises(DataError, match=r"a\.png has no mask in .*masks \(1 more"):
        ImageFolder(root)


def test_mask_without_photograph(make_folder: Maker) -> None:
    root = make_folder()
    (root / "images" / "b.png").unlink()
    with pytest.raises(DataError, match=r"b\.png has no photograph"):
        ImageFolder(root)


def test_empty(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    with pytest.raises(DataError, match="holds no pictures"):
        ImageFolder(tmp_path)


def test_unreadable_picture_is_named_on_load(make_folder: Maker) -> None:
    root = make_folder()
    (root / "images" / "b.png").write_bytes(b"broken")
    with pytest.raises(DataError, match=r"images/b\.png"):
        ImageFolder(root).load("b")


def save_turned(path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.full((8, 12), 90, np.uint8)).save(path, exif=exif)


def test_turned_photograph_with_an_upright_mask(make_folder: Maker) -> None:
    root = make_folder(names=("a",))
    save_turned(root / "images" / "a.png", 6)
    save_mask(root / "masks" / "a.png", height=12, width=8)
    sample = ImageFolder(root).load("a")
    assert sample.image.shape[:2] == sample.mask.shape == (12, 8)


def test_turned_photograph_never_turns_its_mask(make_folder: Maker) -> None:
    root = make_folder(names=("a",))
    save_turned(root / "images" / "a.png", 6)
    with pytest.raises(DataError, match=r"(?s)8×12 px.*12×8 px.*EXIF.*turn the mask"):
        ImageFolder(root).load("a")


def test_a_mask_that_lies_on_its_side_is_told_of_without_blaming_exif(make_folder: Maker) -> None:
    root = make_folder(names=("a",))
    save_mask(root / "masks" / "a.png", height=12, width=8)
    with pytest.raises(DataError, match=r"is turned by 90°") as caught:
        ImageFolder(root).load("a")
    assert "EXIF" not in str(caught.value)


@pytest.mark.parametrize(("turned", "mask_turned", "told"), [(3, 1, True), (2, 1, True), (3, 3, False), (1, 1, False)])
def test_a_photograph_that_is_turned_upside_down_and_its_mask_is_not(
    make_folder: Maker, turned: int, mask_turned: int, told: bool
) -> None:
    root = make_folder(names=("a",))
    save_turned(root / "images" / "a.png", turned)
    exif = Image.Exif()
    exif[0x0112] = mask_turned
    Image.fromarray(np.zeros((8, 12), np.uint8)).save(root / "masks" / "a.png", exif=exif)
    dataset = ImageFolder(root)
    dataset.load("a")
    assert any("upside down" in note for note in dataset.notes) == told


def test_of_a_square_photograph_its_size_does_not_tell_that_it_is_turned(make_folder: Maker) -> None:
    root = make_folder(names=("a",))
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.full((8, 8), 90, np.uint8)).save(root / "images" / "a.png", exif=exif)
    save_mask(root / "masks" / "a.png", height=8, width=8)
    dataset = ImageFolder(root)
    dataset.load("a")
    assert any("EXIF" in note for note in dataset.notes)


def test_pixels_not_to_be_judged_reach_the_sample(make_folder: Maker) -> None:
    root = make_folder(names=("a",))
    labels = np.zeros((8, 12), np.uint8)
    labels[2], labels[5] = 1, 255
    Image.fromarray(labels).save(root / "masks" / "a.png")
    sample = ImageFolder(root).load("a")
    assert sample.ignore is not None
    assert (sample.mask.sum(), sample.ignore.sum()) == (12, 12)


def test_told_values_make_another_truth(make_folder: Maker) -> None:
    root = make_folder(names=("a",))
    Image.fromarray(np.full((8, 12), 38, np.uint8)).save(root / "masks" / "a.png")
    told = ImageFolder(root, MaskValues.parse("crack=38"))
    assert told.load("a").mask.all()
    assert "more than half" in told.notes[0]
    assert told.fingerprint() != ImageFolder(root).fingerprint()


def test_a_list_keeps_photographs_for_testing(make_folder: Maker) -> None:
    root = make_folder()
    names = ImageFolder(root).names
    (root / "test.txt").write_text(f"{names[1]}\n\n")
    dataset = ImageFolder(root)
    assert dataset.official_test_names == (names[1],)
    assert make_split(dataset, "paper", 1).test == (names[1],)
    (root / "test.txt").write_text(f"\ufeff{names[0]}\n")  # as Windows' Notepad saves it
    assert ImageFolder(root).official_test_names == (names[0],)
    (root / "test.txt").write_text("\n")
    with pytest.raises(DataError, match="names no sample"):
        _ = ImageFolder(root).official_test_names
    (root / "test.txt").write_text("nowhere\n")
    with pytest.raises(DataError, match=r"nowhere.*no such sample"):
        _ = ImageFolder(root).official_test_names


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_a_mask_without_crack_beside_those_with_pixels_not_to_be_judged(make_folder: Maker, order: str) -> None:
    root = make_folder(names=("a", "b"))
    pixels = np.zeros(np.asarray(Image.open(root / "masks" / "a.png")).shape[:2], np.uint8)
    pixels[0] = 255  # not to be judged: of b, which has no crack, nothing tells it from one
    Image.fromarray(pixels).save(root / "masks" / "b.png")
    pixels[2] = 1
    Image.fromarray(pixels).save(root / "masks" / "a.png")
    dataset = ImageFolder(root)
    dataset.load(order[0])
    with pytest.raises(DataError, match="is 255 crack there"):
        dataset.load(order[1])
    told = ImageFolder(root, mask_values=MaskValues.parse("crack=1 ignore=255"))
    assert [int(told.load(name).mask.sum()) for name in "ab"] == [pixels.shape[1], 0]


def test_a_name_that_is_not_utf8_is_told_of(make_folder: Maker) -> None:
    root = make_folder()
    picture = next((root / "images").iterdir())
    picture.rename(picture.with_name("stra\udcdfe.png"))
    with pytest.raises(DataError, match=r"stra\\xdfe.*not UTF-8"):
        ImageFolder(root)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("folder", ["images", "masks"])
def test_nothing_waits_for_a_pipe(make_folder: Maker, folder: str) -> None:
    root = make_folder(names=("a", "b"))
    (root / folder / "a.png").unlink()
    os.mkfifo(root / folder / "a.png")
    with pytest.raises(DataError, match="is a pipe, socket or device"):
        ImageFolder(root).load("a")
    with pytest.raises(DataError, match="is a pipe, socket or device"):
        ImageFolder(root).content_digest("a")
