"""Killed at any moment, the same survey goes on, and its tables are those of one that nobody killed."""

from __future__ import annotations

import errno
import random
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from models.bundle import CARD
from models.errors import DataError
from pipeline.storage.records import read_table
from pipeline.survey import chunk as chunk_module
from pipeline.survey.layout import surveys_folder
from pipeline.survey.marks import MARK
from pipeline.survey.plan import find_unfinished
from tests.pipeline.survey.conftest import make_photographs
from tests.pipeline.survey.interrupted import interrupted, settings_for
from tests.pipeline.survey.one_process import run_survey

KILLS = 8
TIMINGS = {
    "images": ["detect_ms", "segment_ms", "cascade_ms", "read_ms", "total_ms"],
    "detections": [],
    "failures": ["at"],
    "runs": [
        *("run_id", "started_at", "finished_at", "detect_ms", "segment_ms", "cascade_ms", "total_s"),
        *("photographs_per_s", "peak_memory_mb", "settings", "commit", "report"),
    ],
}
"""All that may differ between two surveys of the same photographs, beside the run's id."""

# A process that imports the libraries once and forks a child for each try: importing takes longer than surveying.
FORK = """
import os, sys, torch
torch.set_num_threads(1)
from pathlib import Path
from tests.pipeline.survey.one_process import run_survey
from pipeline.survey.settings import SurveySettings
import pipeline.stages.record, pipeline.reporting.figures
settings = SurveySettings.model_validate_json(sys.argv[1])
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        try:
            run_survey(settings)
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    print(child, flush=True)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


def final_tables(out: Path) -> dict[str, pd.DataFrame]:
    """The record, in its own order, less what two runs may not share."""
    tables = {}
    for table, timings in TIMINGS.items():
        frame = read_table(table, out).drop(columns=timings)
        for column in ("run_id", "mask", "overlay"):
            if column in frame:
                frame[column] = frame[column].str.replace(r"\d{8}T\d{6}-[0-9a-f]{6}", "RUN", regex=True)
        tables[table] = frame
    return tables


def assert_same_record(out: Path, expected: dict[str, pd.DataFrame]) -> None:
    found = final_tables(out)
    for table, frame in expected.items():
        pd.testing.assert_frame_equal(found[table], frame, obj=table)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_kills_change_nothing(tmp_path: Path, bundle: Path) -> None:
    photos = make_photographs(tmp_path / "photos", 24)
    (photos / "bad.jpg").write_text("no picture")
    whole = settings_for(photos, bundle, tmp_path / "whole")
    broken = settings_for(photos, bundle, tmp_path / "broken")
    rng = random.Random(7)
    with subprocess.Popen(
        [sys.executable, "-c", FORK, broken.model_dump_json()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None

        def attempt(seconds: float | None) -> int:
            parent.stdin.write("again\n")
            parent.stdin.flush()
            child = int(parent.stdout.readline())
            if seconds is not None:
                time.sleep(seconds)
                subprocess.run(["kill", "-9", str(child)], check=False)
            return int(parent.stdout.readline())

        run_survey(whole)
        expected = final_tables(whole.target)
        began = time.perf_counter()
        assert attempt(None) == 0  # in a child, which loads the networks anew
        alone = time.perf_counter() - began
        subprocess.run(["rm", "-r", str(broken.target)], check=True)
        assert len(expected["images"]) == 24
        assert len(expected["detections"]) > 0
        killed, runs, done = 0, set(), []
        while killed < KILLS or max(done, default=0) == 0:
            # Over the whole length: listing, loading, chunks, publishing and cleaning up are all hit.
            fresh, began = find_unfinished(broken.target) is None, time.perf_counter()
            if attempt(rng.uniform(0, alone)) != 0:
                killed += 1
                alone *= 1.0 if any(done) else 1.2  # where the machine is busier than it was, kill later
            elif fresh:  # a whole survey: where the machine is less busy than it was, kill sooner
                alone = min(alone, time.perf_counter() - began)
            unfinished = find_unfinished(broken.target)
            if unfinished is not None:
                runs.add(unfinished.plan.run_id)
                done.append(unfinished.chunks - len(list(unfinished.pending())))
                assert read_table("runs", broken.target).empty
            elif not read_table("runs", broken.target).empty:
                assert_same_record(broken.target, expected)
                assert attempt(None) == 0  # nothing new: nothing is done twice
                assert_same_record(broken.target, expected)
                subprocess.run(["rm", "-r", str(broken.target)], check=True)
        assert attempt(None) == 0
        parent.stdin.close()
    assert_same_record(broken.target, expected)
    masks = sorted(path.name for path in (broken.target / "masks").rglob("*") if path.is_file())
    assert len([folder for folder in (broken.target / "masks").iterdir() if any(folder.rglob("*.png"))]) == 1
    assert masks == sorted(path.name for path in (whole.target / "masks").rglob("*") if path.is_file())
    assert {path.name for path in surveys_folder(broken.target).rglob("*") if path.is_file()} == {
        "lock",
        "plan.json",
        CARD,
        "part-00000.parquet",
        MARK,
    }


def test_a_full_disk_stops_it_and_it_goes_on(
    tmp_path: Path, bundle: Path, photographs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, broken = (settings_for(photographs, bundle, tmp_path / name) for name in ("whole", "broken"))
    run_survey(whole)
    write, calls = pq.write_table, []

    def full(table: object, *rest: object, **more: object) -> None:
        calls.append(table)
        if len(calls) > 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(table, *rest, **more)

    with monkeypatch.context() as patch:
        patch.setattr(chunk_module.pq, "write_table", full)
        with pytest.raises(DataError, match="No space left") as told:
            run_survey(broken)
    assert "goes on where it was" in told.value.remedy
    unfinished = find_unfinished(broken.target)
    assert unfinished is not None
    assert 0 < len(list(unfinished.pending())) < unfinished.chunks
    row = run_survey(broken)
    assert row is not None
    assert row["run_id"] == unfinished.plan.run_id
    assert_same_record(broken.target, final_tables(whole.target))


@pytest.mark.parametrize(("mount_point", "told"), [(False, "has gone"), (True, "is empty")])
def test_a_root_that_goes_away_stops_it(
    tmp_path: Path, bundle: Path, photographs: Path, mount_point: bool, told: str
) -> None:
    settings = settings_for(photographs, bundle, tmp_path / "out")

    def unmount(_: object) -> None:
        if not (tmp_path / "unmounted").exists():
            photographs.rename(tmp_path / "unmounted")
            if mount_point:
                photographs.mkdir()

    with pytest.raises(DataError, match=told):
        run_survey(settings, report=unmount)
    if mount_point:
        photographs.rmdir()
    (tmp_path / "unmounted").rename(photographs)
    row = run_survey(settings)
    assert row is not None
    assert (row["images"], row["failures"]) == (12, 0)


def test_it_goes_on_with_the_list_it_began_with(tmp_path: Path, bundle: Path, photographs: Path) -> None:
    settings = settings_for(photographs, bundle, tmp_path / "out")
    interrupted(settings)
    make_photographs(photographs, 20, seed=1)
    row = run_survey(settings.model_copy(update={"chunk": 7}))
    assert row is not None
    assert row["photographs"] == 12
