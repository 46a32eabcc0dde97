from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from models.errors import DataError
from pipeline.datasets.masks import BY_ALPHA, FUZZY, ONE_COLOUR, read_mask, read_truth
from pipeline.mask_values import MaskValues

LINE = np.zeros((64, 96), np.uint8)
LINE[30:34, 5:90] = 1


def written(folder: Path, pixels: NDArray[np.generic], suffix: str = ".png") -> Path:
    path = folder / f"mask{suffix}"
    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.parametrize("high", [1, 255])
def test_two_values_are_background_and_crack(tmp_path: Path, high: int) -> None:
    truth = read_truth(written(tmp_path, LINE * np.uint8(high)))
    np.testing.assert_array_equal(truth.crack, LINE == 1)
    assert truth.crack.dtype == bool
    assert truth.ignore is None
    assert truth.notes == ()


def test_black_is_no_crack(tmp_path: Path) -> None:
    assert not read_truth(written(tmp_path, LINE * np.uint8(0))).crack.any()


def test_255_beside_labels_is_not_judged(tmp_path: Path) -> None:
    labels = LINE.copy()
    labels[:10] = 255
    truth = read_truth(written(tmp_path, labels))
    np.testing.assert_array_equal(truth.crack, LINE == 1)
    assert truth.ignore is not None
    np.testing.assert_array_equal(truth.ignore, labels == 255)


@pytest.mark.parametrize("quality", [30, 60, 95])
@pytest.mark.parametrize("again_as_png", [False, True])
def test_what_a_jpeg_left_of_black_and_white_is_cut_and_told(tmp_path: Path, quality: int, again_as_png: bool) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(LINE * np.uint8(255)).save(path, quality=quality)
    if again_as_png:
        path = written(tmp_path, np.asarray(Image.open(path)))
    truth = read_truth(path)
    assert (truth.crack != (LINE == 1)).sum() <= 8
    assert truth.notes == (FUZZY,)


@pytest.mark.parametrize("labels", [[38], [20], [1, 2], [1, 2, 255], [127, 255], [100, 255], [1, 254], [2, 3, 5, 255]])
def test_other_sets_of_values_are_refused_and_named(tmp_path: Path, labels: list[int]) -> None:
    pixels = np.zeros_like(LINE)
    for index, label in enumerate(labels):
        pixels[10 * index : 10 * index + 3] = label
    with pytest.raises(DataError, match=rf"{labels[-1]} \(") as refused:
        read_truth(written(tmp_path, pixels))
    assert "--mask-values crack=" in refused.value.remedy


@pytest.mark.parametrize("label", [20, 38])
def test_labels_saved_as_jpeg_are_refused(tmp_path: Path, label: int) -> None:
    with pytest.raises(DataError, match="does not say"):
        read_truth(written(tmp_path, LINE * np.uint8(label), ".jpg"))


def test_labels_without_background_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not say"):
        read_truth(written(tmp_path, np.where(LINE == 1, 255, 1).astype(np.uint8)))


@pytest.mark.parametrize("ground", [(0, 0, 0, 0), (255, 255, 255, 0)])
def test_one_colour_on_clear_ground_is_read_by_its_alpha(tmp_path: Path, ground: tuple[int, ...]) -> None:
    pixels = np.where(LINE[..., None] == 1, np.uint8([0, 0, 0, 255]), np.uint8(ground)).astype(np.uint8)
    truth = read_truth(written(tmp_path, pixels))
    np.testing.assert_array_equal(truth.crack, LINE == 1)
    assert truth.notes == (BY_ALPHA,)


def test_several_colours_on_clear_ground_are_refused_until_told(tmp_path: Path) -> None:
    pixels = np.zeros((*LINE.shape, 4), np.uint8)
    pixels[LINE == 1] = 255, 0, 0, 255
    pixels[:5] = 0, 255, 0, 255
    path = written(tmp_path, pixels)
    with pytest.raises(DataError, match="clear"):
        read_truth(path)
    np.testing.assert_array_equal(read_truth(path, MaskValues.parse("crack=#ff0000")).crack, LINE == 1)


def test_colours(tmp_path: Path) -> None:
    pixels = np.zeros((*LINE.shape, 3), np.uint8)
    pixels[LINE == 1] = 255, 0, 0
    truth = read_truth(written(tmp_path, pixels))
    np.testing.assert_array_equal(truth.crack, LINE == 1)
    assert truth.notes == (ONE_COLOUR,)
    pixels[:5] = 0, 255, 0
    path = written(tmp_path, pixels)
    with pytest.raises(DataError, match="#00ff00"):
        read_truth(path)
    truth = read_truth(path, MaskValues.parse("crack=#FF0000 ignore=#00ff00"))
    np.testing.assert_array_equal(truth.crack, LINE == 1)
    assert truth.ignore is not None
    assert truth.ignore[:5].all()


def test_palette_colours_count_not_their_places(tmp_path: Path) -> None:
    picture = Image.fromarray(LINE)
    picture.putpalette([0, 0, 0, 128, 0, 0])
    picture.save(tmp_path / "a.png")
    with pytest.raises(DataError, match="#800000"):
        read_truth(tmp_path / "a.png")


def test_sixteen_bits(tmp_path: Path) -> None:
    path = tmp_path / "deep.png"
    cv2.imwrite(str(path), LINE.astype(np.uint16) * 65535)
    np.testing.assert_array_equal(read_truth(path).crack, LINE == 1)
    np.testing.assert_array_equal(read_mask(path), LINE == 1)
    cv2.imwrite(str(path), LINE.astype(np.uint16) * 300)
    with pytest.raises(DataError, match="300"):
        read_truth(path)


def test_told_values(tmp_path: Path) -> None:
    pixels = LINE * np.uint8(38)
    pixels[:5] = 7
    truth = read_truth(written(tmp_path, pixels), MaskValues.parse("crack=30-40 ignore=7"))
    np.testing.assert_array_equal(truth.crack, LINE == 1)
    assert truth.ignore is not None
    np.testing.assert_array_equal(truth.ignore, pixels == 7)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_own_masks_are_read_plainly(tmp_path: Path, suffix: str) -> None:
    np.testing.assert_array_equal(read_mask(written(tmp_path, LINE * np.uint8(255), suffix)), LINE == 1)
