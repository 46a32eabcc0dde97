import json
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from models.errors import DataError
from pipeline.settings import make_settings
from pipeline.stages.record import added_up, devices_of, rerender_report, right_or_wrong
from pipeline.storage.records import write_part


def trained_on(folder, *devices):
    folders = {}
    for stage, device in zip(("train-detector", "train-segmenter"), devices, strict=True):
        folders[stage] = folder / stage
        folders[stage].mkdir(parents=True)
        pd.DataFrame({"epoch": [1], "device": [device]}).to_parquet(folders[stage] / "history.parquet")
    return folders


def test_a_run_names_the_devices_of_its_training_where_they_are_others(tmp_path):
    here, there = trained_on(tmp_path / "here", "cpu", "cpu"), trained_on(tmp_path / "there", "cpu", "NVIDIA X")
    assert devices_of("cpu", [here]) == "cpu"
    assert devices_of("NVIDIA X", [here]) == "NVIDIA X, trained on cpu"
    assert devices_of("cpu", [here, there]) == "cpu, trained on NVIDIA X and cpu"


@pytest.mark.parametrize(
    ("counts", "total"), [([3, None, 2], 5), ([0, 4], 4), ([0, 0], 0), ([None, 0], None), ([None], None)]
)
def test_what_one_fold_knows_is_not_lost_where_another_cannot_say(counts, total):
    assert added_up(counts) == total


def test_a_box_of_which_nobody_can_judge_is_neither_right_nor_wrong():
    boxes = np.array([[0, 0, 2, 1], [1, 0, 2, 1], [2, 0, 4, 1], [0, 0, 4, 1]])
    mask, ignore = np.array([[1, 0, 0, 1]], bool), np.array([[0, 0, 1, 1]], bool)
    assert right_or_wrong(boxes, mask, ignore).tolist() == [True, False, pd.NA, True]
    assert right_or_wrong(boxes, mask, None).tolist() == [True, False, True, True]
    assert right_or_wrong(boxes[:0], mask, ignore).tolist() == []


@pytest.mark.parametrize(("settings", "stages"), [({"novel": 1}, "{}"), ({}, '{"paper": {"prep'), ({}, None)])
def test_a_run_that_does_not_say_what_it_was_made_from_is_told_of(tmp_path, settings, stages):
    now = datetime.now(UTC)
    row = {"kind": "experiment", "started_at": now, "finished_at": now, "dataset": "folder"}
    write_part("runs", "one", [row], tmp_path)
    folder = tmp_path / "runs" / "one"
    folder.mkdir(parents=True)
    (folder / "stages.json").write_text(stages or "")
    (folder / "settings.json").write_text(json.dumps(make_settings("smoke").model_dump(mode="json") | settings))
    if stages is None:
        (folder / "settings.json").unlink()
    with pytest.raises(DataError, match=r"settings.json and stages.json in .*one do not say") as caught:
        rerender_report(tmp_path, "one")
    assert caught.value.remedy
