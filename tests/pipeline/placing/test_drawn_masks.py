"""Masks → measured cracks, and the files that they are written to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from pipeline.measuring.settings import MeasureSettings
from pipeline.placing.drawn_masks import measure_masks, write_rows
from pipeline.placing.mask_files import LINKED


def test_a_mask_whose_name_is_not_utf8_is_measured_and_named_as_it_can_be(tmp_path: Path) -> None:
    mask = np.zeros((40, 60), np.uint8)
    mask[20:23, 10:50] = 255
    Image.fromarray(mask).save(tmp_path / "stra\udcdfe.png")
    rows = measure_masks(str(tmp_path), MeasureSettings()).rows
    for name in ("cracks.csv", "cracks.parquet"):
        write_rows(rows, tmp_path / name)
    assert pd.read_parquet(tmp_path / "cracks.parquet")["mask"][0].endswith("stra\\xdfe.png")


def test_what_is_passed_over_stands_among_the_notes(tmp_path: Path) -> None:
    mask = np.zeros((40, 60), np.uint8)
    mask[20:23, 10:50] = 255
    (tmp_path / "masks").mkdir()
    (tmp_path / "more").mkdir()
    Image.fromarray(255 - mask).save(tmp_path / "masks" / "1.png")
    (tmp_path / "masks" / "more").symlink_to(tmp_path / "more")
    notes = measure_masks(str(tmp_path / "masks"), MeasureSettings()).notes
    assert notes[0] == f"{tmp_path / 'masks' / 'more'}: {LINKED}"
    assert "more than half of it is crack" in notes[1]
