"""A mask is one picture: of several none is chosen in silence, as for photographs."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from models.errors import DataError
from pipeline.datasets.masks import read_truth

MASK = np.zeros((40, 60), np.uint8)
MASK[20:23, 10:50] = 255


def test_pages_of_about_one_size_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.stack([MASK] * 3), photometric="minisblack")
    with pytest.raises(DataError, match=r"a\.tif holds 3 pictures of about one size") as told:
        read_truth(tmp_path / "a.tif")
    assert "file of its own" in told.value.remedy


@pytest.mark.parametrize("first", [True, False])
def test_previews_and_pages_that_say_where_there_is_picture_are_none(tmp_path: Path, first: bool) -> None:
    pages = [(MASK[::4, ::4], 1), (MASK, 0)]
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for pixels, kind in pages if first else pages[::-1]:
            file.write(pixels, photometric="minisblack", subfiletype=kind)
        file.write(MASK > 0, photometric=4, subfiletype=4)
    np.testing.assert_array_equal(read_truth(tmp_path / "a.tif").crack, MASK > 0)


def test_of_one_page_whatever_it_is_called_all_is_read(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", MASK > 0, photometric=4, subfiletype=4)
    np.testing.assert_array_equal(read_truth(tmp_path / "a.tif").crack, MASK > 0)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP"])
def test_animations_are_refused(tmp_path: Path, kind: str) -> None:
    frames, buffer = [Image.fromarray(MASK), Image.fromarray(MASK[::-1].copy())], io.BytesIO()
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:], lossless=True)
    (tmp_path / "a.png").write_bytes(buffer.getvalue())
    with pytest.raises(DataError, match=r"a\.png is an animation"):
        read_truth(tmp_path / "a.png")
