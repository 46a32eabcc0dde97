"""A grey value and a colour are two things to name: neither is ever taken for the other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.datasets.masks import read_truth
from pipeline.mask_values import MaskValues

BLACK, WHITE, CREAM, RED, GREY = (0, 0, 0), (255, 255, 255), (255, 250, 235), (255, 0, 0), (38, 38, 38)
ALL = (BLACK, WHITE, CREAM, RED, GREY)


def stripes(folder: Path, kind: str, colours: tuple[tuple[int, ...], ...]) -> Path:
    """A mask with a stripe of each colour, 4 px high."""
    places = np.repeat(np.arange(len(colours), dtype=np.uint8), 4)[:, None].repeat(16, axis=1)
    if kind == "palette":
        picture = Image.fromarray(places)
        picture.putpalette([channel for colour in colours for channel in colour])
    else:
        picture = Image.fromarray(np.array(colours, np.uint8)[places])
    if kind == "grey":
        picture = picture.convert("L")
    picture.save(folder / "mask.png")
    with Image.open(folder / "mask.png") as written:
        assert written.mode == {"grey": "L", "palette": "P", "rgb": "RGB", "clear": "RGBA"}[kind]
    return folder / "mask.png"


def of(folder: Path, kind: str, values: str, colours: tuple[tuple[int, ...], ...] = ALL) -> list[tuple[int, ...]]:
    """Colours of the stripes that are crack."""
    crack = read_truth(stripes(folder, kind, colours), MaskValues.parse(values)).crack
    return [colour for colour, told in zip(colours, crack[::4, 0].tolist(), strict=True) if told]


@pytest.mark.parametrize("kind", ["rgb", "palette"])
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("crack=#ffffff", [WHITE]),
        ("crack=255", [WHITE, CREAM]),  # a grey value is brightness, whatever a JPEG made of the channels
        ("crack=#262626", [GREY]),
        ("crack=38", [GREY]),
        ("crack=#fffaeb", [CREAM]),
        ("crack=#ff0000,255", [WHITE, RED]),  # where a colour is named, colours count
        ("crack=#ffffff ignore=38", [WHITE]),
        ("crack=128-255", [WHITE, CREAM]),
    ],
)
def test_masks_of_colours(tmp_path: Path, kind: str, values: str, expected: list[tuple[int, ...]]) -> None:
    assert of(tmp_path, kind, values) == expected


@pytest.mark.parametrize(("values", "expected"), [("#ffffff", WHITE), ("255", WHITE), ("#262626", GREY), ("38", GREY)])
def test_masks_of_greys_have_the_colours_that_they_show(tmp_path: Path, values: str, expected: tuple[int, ...]) -> None:
    assert of(tmp_path, "grey", f"crack={values}", (BLACK, WHITE, GREY)) == [expected]


def test_white_on_clear_ground_is_no_word_for_all_that_is_opaque(tmp_path: Path) -> None:
    drawn = ((0, 0, 0, 0), (0, 0, 255, 255))
    assert of(tmp_path, "clear", "crack=#ffffff", drawn) == []
    assert of(tmp_path, "clear", "crack=255", drawn) == [drawn[1]]
