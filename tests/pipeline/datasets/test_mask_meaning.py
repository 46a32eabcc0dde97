"""With values told, what a pixel means does not depend on what else is in its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.errors import DataError
from pipeline.datasets.masks import BY_ALPHA, MOSTLY_IGNORED, read_truth
from pipeline.mask_values import MaskValues

LINE = np.zeros((64, 96), bool)
LINE[30:33, 10:80] = True
JOINT = np.zeros_like(LINE)
JOINT[50:52] = True


def drawn(folder: Path, ground: tuple[int, ...], line: tuple[int, ...], joint: tuple[int, ...] | None = None) -> Path:
    pixels = np.empty((*LINE.shape, len(ground)), np.uint8)
    pixels[:], pixels[LINE] = ground, line
    if joint is not None:
        pixels[JOINT] = joint
    Image.fromarray(pixels).save(folder / "mask.png")
    return folder / "mask.png"


CLEAR, RED, BLUE = (0, 0, 0, 0), (255, 0, 0, 255), (0, 0, 255, 255)


@pytest.mark.parametrize("joint", [None, BLUE])
def test_a_colour_on_clear_ground(tmp_path: Path, joint: tuple[int, ...] | None) -> None:
    crack = read_truth(drawn(tmp_path, CLEAR, RED, joint), MaskValues.parse("crack=#ff0000")).crack
    np.testing.assert_array_equal(crack, LINE)
    assert not read_truth(drawn(tmp_path, CLEAR, BLUE), MaskValues.parse("crack=#ff0000")).crack.any()


@pytest.mark.parametrize("joint", [None, (0, 0, 255)])
def test_a_dull_colour(tmp_path: Path, joint: tuple[int, ...] | None) -> None:
    path = drawn(tmp_path, (0, 0, 0), (190, 153, 153), joint)
    np.testing.assert_array_equal(read_truth(path, MaskValues.parse("crack=#be9999")).crack, LINE)
    np.testing.assert_array_equal(read_truth(path, MaskValues.parse("crack=190")).crack, LINE)  # grey, as a JPEG's


@pytest.mark.parametrize("joint", [None, (7, 7, 7, 255)])
def test_greys_on_clear_ground(tmp_path: Path, joint: tuple[int, ...] | None) -> None:
    path = drawn(tmp_path, CLEAR, (38, 38, 38, 255), joint)
    for values in ("crack=38", "crack=38 ignore=255"):
        truth = read_truth(path, MaskValues.parse(values))
        np.testing.assert_array_equal(truth.crack, LINE)
        assert truth.ignore is None


@pytest.mark.parametrize("line", [RED, (0, 0, 0, 255), (255, 255, 255, 255)])
def test_the_alpha_of_one_colour_counts_where_greys_are_told(tmp_path: Path, line: tuple[int, ...]) -> None:
    path = drawn(tmp_path, CLEAR, line, (*line[:3], 100))  # a soft edge
    np.testing.assert_array_equal(read_truth(path, MaskValues.parse("crack=128-255")).crack, LINE)


def test_greys_say_nothing_of_several_colours_on_clear_ground(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="several colours"):
        read_truth(drawn(tmp_path, CLEAR, RED, BLUE), MaskValues.parse("crack=255"))


@pytest.mark.parametrize("values", [None, "crack=#ff0000", "crack=255"])
def test_a_picture_that_is_clear_all_over_is_refused(tmp_path: Path, values: str | None) -> None:
    path = drawn(tmp_path, CLEAR, (255, 0, 0, 0))
    with pytest.raises(DataError, match="clear all over"):
        read_truth(path, MaskValues.parse(values) if values else None)
    empty = read_truth(drawn(tmp_path, CLEAR, CLEAR))
    assert not empty.crack.any()
    assert empty.notes == (BY_ALPHA,)


def test_stray_pixels_beside_white_are_told(tmp_path: Path) -> None:
    labels = np.where(LINE, 255, 0).astype(np.uint8)
    labels[0, :5] = 1
    Image.fromarray(labels).save(tmp_path / "a.png")
    assert read_truth(tmp_path / "a.png").notes == (MOSTLY_IGNORED,)
    labels[:10] = 1
    Image.fromarray(labels).save(tmp_path / "a.png")
    assert read_truth(tmp_path / "a.png").notes == ()


def test_smeared_colours_are_not_told_to_be_cut_by_brightness(tmp_path: Path) -> None:
    red = np.zeros((64, 64, 3), np.uint8)
    red[30:34, 8:56] = 255, 0, 0
    Image.fromarray(red).save(tmp_path / "mask.jpg", quality=80)
    with pytest.raises(DataError, match="does not say which pixels are crack") as caught:
        read_truth(tmp_path / "mask.jpg")
    assert "as PNG" in caught.value.remedy
    assert "128-255" not in caught.value.remedy  # by brightness alone no pixel of it would be crack
