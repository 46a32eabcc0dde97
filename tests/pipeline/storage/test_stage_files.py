import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from models.errors import DataError
from pipeline.settings import make_settings
from pipeline.stages.detector import read_coarse_boxes, read_score_threshold, read_validation
from pipeline.stages.prepare import load_part, read_split
from pipeline.storage.stage_files import read_stage_json, read_stage_table
from pipeline.training.calibrate import CALIBRATION, read_calibration


@pytest.mark.parametrize("left", [None, 0, 0.5])
def test_a_table_that_is_damaged_or_gone_is_named_with_what_to_do(tmp_path: Path, left: float | None) -> None:
    path = tmp_path / "key" / "counts.parquet"
    path.parent.mkdir()
    if left is not None:
        pd.DataFrame({"name": ["a", "b"]}).to_parquet(path)
        path.write_bytes(path.read_bytes()[: int(left * path.stat().st_size)])
    with pytest.raises(DataError, match=r"counts\.parquet cannot be read") as told:
        read_stage_table(path)
    assert f"Move {path.parent} away" in told.value.remedy


@pytest.mark.parametrize("left", [None, b"", b'{"train": ["a", ', b"\0" * 40, b"\xff\xfe{}"])
def test_so_is_a_json_file(tmp_path: Path, left: bytes | None) -> None:
    path = tmp_path / "key" / "split.json"
    path.parent.mkdir()
    if left is not None:
        path.write_bytes(left)
    with pytest.raises(DataError, match=r"split\.json cannot be read") as told:
        read_stage_json(path)
    assert f"Move {path.parent} away" in told.value.remedy


def test_a_whole_json_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text(json.dumps({"images": 3}))
    assert read_stage_json(tmp_path / "labels.json") == {"images": 3}


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("split.json", read_split),
        ("split.json", lambda folder: load_part(make_settings("smoke"), folder, "test")),
        ("operating_point.json", read_score_threshold),
        ("operating_point.json", read_validation),
        ("operating_point.json", read_coarse_boxes),
        (CALIBRATION, read_calibration),
    ],
)
def test_whoever_reads_a_stages_json_tells_of_one_cut_short(
    tmp_path: Path, name: str, read: Callable[[Path], Any]
) -> None:
    (tmp_path / name).write_text('{"score_threshold": 0.')
    with pytest.raises(DataError, match=f"{name} cannot be read"):
        read(tmp_path)
