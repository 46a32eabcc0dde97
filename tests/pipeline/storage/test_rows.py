from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from models.errors import DataError
from pipeline.storage.records import read_table, write_part

START = datetime(2026, 1, 1, 8, 30, tzinfo=UTC)
FIRST, SECOND = "20260101T000000-00000a", "20260102T000000-00000b"


RUN = {"started_at": START, "kind": "experiment"}


DETECTION = {"name": "001", "x1_px": 1.0, "y1_px": 2.0, "x2_px": 3.5, "y2_px": 4.0, "score": 0.5}


def everything_below(folder):
    return sorted(str(p.relative_to(folder)) for p in Path(folder).rglob("*"))


def test_a_frame_and_a_list_of_rows_write_the_same(tmp_path):
    rows = [DETECTION | {"tp": True}, DETECTION | {"tp": None}, DETECTION | {"tp": False, "score": 0.25}]
    write_part("detections", FIRST, rows, tmp_path)
    frame = pd.DataFrame(rows)
    write_part("detections", SECOND, frame.astype({"score": "float32", "x1_px": "int64"}), tmp_path)
    both = read_table("detections", tmp_path)
    halves = [both[both["run_id"] == run].drop(columns="run_id").reset_index(drop=True) for run in (FIRST, SECOND)]
    pd.testing.assert_frame_equal(halves[0].iloc[:, 5:], halves[1].iloc[:, 5:])
    assert halves[0]["tp"].tolist() == [True, pd.NA, False]


@pytest.mark.parametrize(
    ("table", "row", "said"),
    [
        ("detections", DETECTION | {"colour": 1}, "'colour'"),
        ("detections", DETECTION | {"score": "high"}, "'score'"),
        ("detections", DETECTION | {"score": None}, "'score'"),
        ("detections", {"name": "001"}, "'x1_px'"),
        ("detections", DETECTION | {"run_id": SECOND}, "another run"),
        ("images", {"name": "001", "boxes": 2.5}, "'boxes'"),
        ("images", {"name": 17}, "'name'"),
        ("runs", RUN | {"started_at": datetime(2026, 1, 1)}, "no time zone"),
        ("runs", RUN | {"started_at": "yesterday"}, "'started_at'"),
        ("runs", {"kind": "survey"}, "'started_at'"),
    ],
)
@pytest.mark.parametrize("as_frame", [False, True])
def test_rows_that_do_not_fit_leave_nothing(table, row, said, as_frame, tmp_path):
    rows = pd.DataFrame([row]) if as_frame else [row]
    with pytest.raises(DataError) as caught:
        write_part(table, FIRST, rows, tmp_path)
    assert said in caught.value.problem
    assert table in caught.value.problem
    assert "part-00000.parquet" in caught.value.problem
    assert "schemas.py" in caught.value.remedy
    assert everything_below(tmp_path) == []
