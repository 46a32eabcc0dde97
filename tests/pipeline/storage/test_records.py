from __future__ import annotations

import errno
import json
import multiprocessing
import pickle
import re
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from models.errors import DataError, UsageError
from pipeline.storage import records
from pipeline.storage.records import read_table, write_part
from pipeline.storage.schemas import SCHEMA_VERSION, SCHEMAS

FIRST, SECOND = "20260101T000000-00000a", "20260102T000000-00000b"
START = datetime(2026, 1, 1, 8, 30, tzinfo=UTC)
RUN = {"started_at": START, "kind": "experiment"}
DETECTION = {"name": "001", "x1_px": 1.0, "y1_px": 2.0, "x2_px": 3.5, "y2_px": 4.0, "score": 0.5}
FAILURE = {"path": "a.jpg", "stage": "read", "kind": "DataError", "message": "torn", "at": START}
CRACK = {"name": "001", "crack_id": 0, "length_px": 12.5, "kind": "transverse", "line_px": [1.0, 2.0, 13.5, 2.0]}
SECTION = {"from_m": 0.0, "to_m": 100.0, "photographs": 20}
ONE_ROW = {
    "runs": RUN,
    "images": {"name": "001"},
    "detections": DETECTION,
    "failures": FAILURE,
    "cracks": CRACK,
    "sections": SECTION,
}


def everything_below(folder):
    return sorted(str(p.relative_to(folder)) for p in Path(folder).rglob("*"))


@pytest.mark.parametrize("table", SCHEMAS)
def test_every_table_goes_there_and_back(table, tmp_path):
    path = write_part(table, FIRST, [ONE_ROW[table]], tmp_path)
    assert path == tmp_path / "records" / table / f"run_id={FIRST}" / "part-00000.parquet"
    frame = read_table(table, tmp_path)
    assert list(frame.columns) == ["run_id", *SCHEMAS[table].names]
    assert len(frame) == 1
    assert frame.loc[0, "run_id"] == FIRST
    assert frame.loc[0, "schema_version"] == SCHEMA_VERSION
    for column, value in ONE_ROW[table].items():
        assert np.array_equal(frame.loc[0, column], value)


@pytest.mark.parametrize("table", SCHEMAS)
@pytest.mark.parametrize("made", [False, True])
def test_nothing_recorded_is_an_empty_table_of_the_same_columns(table, made, tmp_path):
    if made:
        (tmp_path / "records" / table).mkdir(parents=True)
    empty = read_table(table, tmp_path)
    assert len(empty) == 0
    write_part(table, FIRST, [ONE_ROW[table]], tmp_path)
    assert list(empty.dtypes) == list(read_table(table, tmp_path).dtypes)


def test_a_part_without_rows_is_a_part(tmp_path):
    write_part("detections", FIRST, [], tmp_path)
    write_part("detections", SECOND, pd.DataFrame(columns=list(DETECTION)), tmp_path)
    assert len(read_table("detections", tmp_path)) == 0
    assert len(list(tmp_path.rglob("part-*.parquet"))) == 2


def test_values_are_taken_as_they_come(tmp_path):
    row = RUN | {
        "run_id": FIRST,
        "started_at": START.astimezone(timezone(timedelta(hours=-3))),
        "finished_at": "2026-01-01T10:30:00+01:00",
        "settings": {"seed": 1, "root": Path("x")},
        "report": Path("runs/x/report.html"),
        "images": 17.0,
        "seed": np.int64(3),
        "precision": float("nan"),
        "f1_2px": np.float32(0.5),
        "ap50": None,
    }
    write_part("runs", FIRST, [row], tmp_path)
    got = read_table("runs", tmp_path).iloc[0]
    assert got["started_at"] == START
    assert str(got["started_at"].tzinfo) == "UTC"
    assert got["finished_at"] == START + timedelta(hours=1)
    assert json.loads(got["settings"]) == {"seed": 1, "root": "x"}
    assert got["report"] == "runs/x/report.html"
    assert (got["images"], got["seed"], got["f1_2px"]) == (17, 3, 0.5)
    assert pd.isna(got["precision"])
    assert pd.isna(got["ap50"])


def test_a_full_disk_leaves_nothing_and_says_so(tmp_path, monkeypatch):
    def full(table, sink):
        sink.write(b"PAR1 and some")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(records.pq, "write_table", full)
    with pytest.raises(DataError, match="No space left") as caught:
        write_part("images", FIRST, [{"name": "001"}], tmp_path)
    assert "images" in caught.value.problem
    assert "part-00000.parquet" in caught.value.problem
    assert "space" in caught.value.remedy
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]
    assert not list(tmp_path.rglob("run_id=*"))


def test_a_failing_write_keeps_what_was_written_before(tmp_path, monkeypatch):
    write_part("images", FIRST, [{"name": "001"}], tmp_path)
    before = everything_below(tmp_path)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(records.pq, "write_table", interrupted)
    for part in (0, 1):
        with pytest.raises(KeyboardInterrupt):
            write_part("images", FIRST, [{"name": "002"}], tmp_path, part)
    assert everything_below(tmp_path) == before
    assert read_table("images", tmp_path)["name"].tolist() == ["001"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "records").write_text("a file where the folder should be")
    with pytest.raises(DataError, match="records") as told:
        write_part("images", FIRST, [{"name": "001"}], tmp_path)
    assert "CRACK_SURVEY_HOME" not in told.value.remedy  # a survey's tables lie in its output


def test_parts_are_replaced_and_ordered_by_number(tmp_path):
    for part, name in ((10, "c"), (2, "b"), (0, "x"), (0, "a")):
        write_part("images", FIRST, [{"name": name}], tmp_path, part)
    write_part("images", SECOND, [{"name": "d"}], tmp_path)
    assert read_table("images", tmp_path)["name"].tolist() == ["a", "b", "c", "d"]
    assert read_table("images", tmp_path, run_id=FIRST)["name"].tolist() == ["a", "b", "c"]
    assert len(read_table("images", tmp_path, run_id="20200101T000000-ffffff")) == 0


def test_other_readers_open_the_folder_as_one_data_set(tmp_path):
    for run in (FIRST, SECOND):
        write_part("detections", run, [DETECTION, DETECTION | {"tp": True}], tmp_path)
    folder = tmp_path / "records" / "detections"
    (folder / f"run_id={FIRST}" / ".part-00001.99.parquet").write_bytes(b"half a fi")
    by_pandas = pd.read_parquet(folder)
    assert by_pandas["run_id"].astype(str).tolist() == [FIRST, FIRST, SECOND, SECOND]
    by_pyarrow = ds.dataset(folder, format="parquet", partitioning="hive").to_table(filter=ds.field("run_id") == SECOND)
    assert by_pyarrow.num_rows == 2
    assert set(by_pyarrow.column_names) == {"run_id", *SCHEMAS["detections"].names}
    assert "run_id" not in pq.ParquetFile(next(folder.rglob("part-*.parquet"))).schema_arrow.names
    assert len(read_table("detections", tmp_path)) == 4


def test_runs_of_an_older_version_have_nulls_where_they_knew_less(tmp_path):
    write_part("images", SECOND, [{"name": "new", "boxes": 3, "f1_2px": 0.5}], tmp_path)
    folder = tmp_path / "records" / "images" / f"run_id={FIRST}"
    folder.mkdir()
    old = {"name": ["old"], "boxes": pa.array([2], pa.int32()), "dropped": ["x"], "schema_version": pa.array([0])}
    pq.write_table(pa.table(old), folder / "part-00000.parquet")
    frame = read_table("images", tmp_path)
    assert list(frame.columns) == ["run_id", *SCHEMAS["images"].names]
    assert frame["name"].tolist() == ["old", "new"]
    assert frame["boxes"].tolist() == [2, 3]
    assert frame["schema_version"].tolist() == [0, SCHEMA_VERSION]
    assert frame["f1_2px"].isna().tolist() == [True, False]


def test_a_damaged_part_is_named(tmp_path):
    write_part("images", FIRST, [{"name": "001"}], tmp_path)
    path = write_part("images", SECOND, [{"name": "002"}], tmp_path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError) as caught:
        read_table("images", tmp_path)
    assert str(path) in caught.value.problem
    assert FIRST not in caught.value.problem
    assert caught.value.remedy


def test_a_part_of_another_type_is_named(tmp_path):
    path = write_part("images", FIRST, [{"name": "001"}], tmp_path)
    pq.write_table(pa.table({"name": ["001"], "boxes": ["many"]}), path)
    with pytest.raises(DataError, match="images"):
        read_table("images", tmp_path)


@pytest.mark.parametrize("run_id", ["", "../up", "a/b", ".hidden", "a=b", "x\n"])
def test_a_run_id_stays_in_its_folder(run_id, tmp_path):
    with pytest.raises(UsageError):
        write_part("images", run_id, [{"name": "001"}], tmp_path)
    with pytest.raises(UsageError):
        read_table("images", tmp_path, run_id=run_id)
    assert everything_below(tmp_path) == []


def test_an_unknown_table_is_told(tmp_path):
    with pytest.raises(DataError, match="'potholes'") as caught:
        read_table("potholes", tmp_path)
    assert "detections" in caught.value.remedy
    assert pickle.loads(pickle.dumps(caught.value)).remedy == caught.value.remedy


def _write_many(home, run_id, count):
    for part in range(count):
        write_part("detections", run_id, [DETECTION | {"score": part / count}] * 5, home, part)


def test_two_processes_write_two_runs_at_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_write_many, args=(tmp_path, run, 6)) for run in (FIRST, SECOND)]
    for worker in workers:
        worker.start()
    while any(worker.is_alive() for worker in workers):
        assert len(read_table("detections", tmp_path)) % 5 == 0  # never half a part
        time.sleep(0.02)
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    rows = read_table("detections", tmp_path)
    assert rows["run_id"].value_counts().to_dict() == {FIRST: 30, SECOND: 30}
    files = [p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file()]
    assert len(files) == 12
    assert all(re.fullmatch(r"part-\d{5}\.parquet", f.name) for f in files)
