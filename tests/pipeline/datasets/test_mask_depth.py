"""Grey masks of 16 bits: one reading for all files of a data set, told where it is unusual, refused where unclear."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.errors import DataError
from pipeline.datasets.folder import ImageFolder
from pipeline.datasets.mask_depth import DEEP
from pipeline.datasets.masks import Truth, read_truth
from pipeline.datasets.pictures import read_pixels
from pipeline.mask_values import MaskValues

LINE = np.zeros((48, 64), np.uint16)
LINE[20:23, 5:60] = 1


def read(folder: Path, levels: np.ndarray, values: str | None = None) -> Truth:
    cv2.imwrite(str(folder / "mask.png"), levels.astype(np.uint16))
    return read_truth(folder / "mask.png", MaskValues.parse(values) if values else None)


@pytest.mark.parametrize("values", ["crack=65535", "crack=40000-65535", "crack=300-65535 ignore=299"])
def test_values_beyond_8_bits_are_those_of_the_file(tmp_path: Path, values: str) -> None:
    truth = read(tmp_path, LINE * 65535, values)
    np.testing.assert_array_equal(truth.crack, LINE == 1)
    assert truth.shades is False


@pytest.mark.parametrize("values", [None, "crack=255", "crack=128-255", "crack=#ffffff"])
def test_8_bits_spread_over_16(tmp_path: Path, values: str | None) -> None:
    truth = read(tmp_path, LINE * 65535, values)
    np.testing.assert_array_equal(truth.crack, LINE == 1)
    assert (truth.shades, truth.notes) == (True, ())


@pytest.mark.parametrize("values", [None, "crack=128-255"])
def test_shades_of_16_bits_are_told(tmp_path: Path, values: str | None) -> None:
    levels = LINE * 65500
    levels[:3] = 100
    truth = read(tmp_path, levels, values)
    np.testing.assert_array_equal(truth.crack, LINE == 1)
    assert truth.shades is True
    assert DEEP in truth.notes


def test_what_may_be_labels_or_dark_shades_is_refused(tmp_path: Path) -> None:
    for values in ("crack=1", "crack=128-255", None):
        with pytest.raises(DataError, match="300"):
            read(tmp_path, LINE * 300, values)
    assert read(tmp_path, LINE * 300, "crack=1 ignore=65535").crack.sum() == 0
    assert read(tmp_path, LINE, "crack=1 ignore=65535").crack.sum() == LINE.sum()


@pytest.mark.parametrize("channels", [3, 4])
def test_labels_in_colours_of_16_bits_are_not_lost_without_a_word(tmp_path: Path, channels: int) -> None:
    levels = (LINE * 38)[..., None].repeat(channels, axis=2)
    levels[..., 3:] = 65535
    with pytest.raises(DataError, match="16 bits a channel"):
        read(tmp_path, levels, "crack=38")
    assert read(tmp_path, levels * 0, "crack=38").crack.sum() == 0


@pytest.mark.parametrize("values", [None, "crack=1-255"])
@pytest.mark.parametrize("first", [0, 1])
def test_one_reading_for_all_files(tmp_path: Path, values: str | None, first: int) -> None:
    for number, levels in enumerate((LINE * 65535, LINE, LINE * 0)):
        for kind in ("images", "masks"):
            (tmp_path / kind).mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / "images" / f"p{number}.png"), np.full((*LINE.shape, 3), 90, np.uint8))
        cv2.imwrite(str(tmp_path / "masks" / f"p{number}.png"), levels.astype(np.uint16))
    data = ImageFolder(tmp_path, MaskValues.parse(values) if values else None)
    data.load("p2")  # black: says nothing of the others
    data.load(f"p{first}")
    with pytest.raises(DataError, match=r"p0\.png has 16-bit greys that are shades, of which .*p1\.png"):
        data.load(f"p{1 - first}")


def test_labels_in_the_lower_eight_bits_under_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.png")
    labels = np.zeros((8, 8, 3), np.uint16)
    labels[2:4] = 1
    path.write_bytes(cv2.imencode(".png", labels)[1].tobytes())
    with pytest.raises(DataError, match="16 bits a channel"):
        read_pixels(path)
