import numpy as np
import pandas as pd
import pytest

from pipeline.stages.record import added_up, devices_of, right_or_wrong


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
