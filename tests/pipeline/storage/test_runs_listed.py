from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

from pipeline.storage.records import PAPER, new_run_id, runs_json, write_part
from pipeline.storage.schemas import HEADLINE

START = datetime(2026, 1, 1, 8, 30, tzinfo=UTC)
FIRST, SECOND = "20260101T000000-00000a", "20260102T000000-00000b"


RUN = {"started_at": START, "kind": "experiment"}


def test_run_ids_sort_by_time_and_differ():
    ids = [new_run_id() for _ in range(50)]
    assert len(set(ids)) == 50
    assert all(re.fullmatch(r"\d{8}T\d{6}-[0-9a-f]{6}", i) for i in ids)
    stamp = datetime.strptime(ids[0][:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    assert abs(datetime.now(UTC) - stamp) < timedelta(minutes=1)


def test_the_papers_figures_are_those_it_prints():
    assert (PAPER["precision"], PAPER["segmentation_error"], PAPER["data_reduction"]) == (0.9892, 0.0122, 0.7212)
    assert (PAPER["detect_ms"], PAPER["score_threshold"]) == (53.1, 0.5)
    assert set(HEADLINE) <= set(PAPER)
    assert PAPER["f1_2px"] is None


def test_json_lists_runs_oldest_first_and_holds_no_nan(tmp_path):
    late = RUN | {"started_at": START + timedelta(days=1), "precision": 0.9, "images": 17, "settings": {"a": {"b": 1}}}
    write_part("runs", FIRST, [late], tmp_path)
    write_part("runs", SECOND, [RUN | {"precision": float("nan"), "f1_0px": float("inf")}], tmp_path)
    out = json.loads(json.dumps(runs_json(tmp_path), allow_nan=False))
    assert [run["run_id"] for run in out["runs"]] == [SECOND, FIRST]
    assert set(HEADLINE) <= set(out["runs"][0])
    assert (out["runs"][0]["precision"], out["runs"][0]["f1_0px"], out["runs"][0]["images"]) == (None, None, None)
    assert out["runs"][1]["settings"] == {"a": {"b": 1}}
    assert out["runs"][1]["images"] == 17
    assert datetime.fromisoformat(out["runs"][0]["started_at"]) == START
    assert out["paper"]["precision"] == 0.9892


def test_json_of_no_runs(tmp_path):
    assert runs_json(tmp_path) == {"paper": PAPER, "runs": []}
