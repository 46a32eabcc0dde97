import shutil
import threading
import time

import pytest
import torch

from models.bundle import save_bundle
from models.detector import build_detector
from models.segmenter import build_segmenter
from pipeline.settings import make_settings
from pipeline.stages import keys
from pipeline.stages.keys import is_done, run_stage, stage_keys
from tests import tiny

STAGES = list(keys.MODULES)


def changed_stages(**overrides):
    base = {"detector.coarse_mask": True}
    changes = {k.replace("__", "."): v for k, v in overrides.items()}
    before, after = (stage_keys(make_settings("smoke", given), "cpu") for given in (base, base | changes))
    return [stage for stage in STAGES if before[stage] != after[stage]]


@pytest.mark.parametrize(
    ("overrides", "first"),
    [
        ({"labels__max_side": 64}, "prepare"),
        ({"dataset__sample_seed": 8}, "prepare"),
        ({"dataset__split": "fold1"}, "prepare"),
        ({"detector__anchor_sizes": [10, 20]}, "prepare"),
        ({"detector__head_convs": 2}, "train-detector"),
        ({"detector_training__lr": 0.01}, "train-detector"),
        ({"detector__second": {"space_to_depth": 1}}, "prepare"),
        ({"seed": 3}, "train-detector"),
        ({"detector_tta": True}, "detect"),
        ({"segmenter_tta": True}, "segment"),
        ({"thresholds__coarse_mask": 0.01}, "detect"),
        ({"thresholds__target_error": 0.1}, "detect"),
        ({"crops__halo": 16}, "segment"),
        ({"crops__train_side": 64}, "train-segmenter"),
        ({"segmenter_training__epochs": 9}, "train-segmenter"),
        ({"thresholds__probability": 0.5}, "segment"),
    ],
    ids=str,
)
def test_a_setting_changes_its_stage_and_all_after_it_alone(overrides, first):
    after = {first}
    for stage in STAGES[STAGES.index(first) :]:
        if after & set(keys.BEFORE[stage]):
            after.add(stage)
    assert set(changed_stages(**overrides)) == after


def test_another_operating_point_trains_nothing_again():
    assert changed_stages(thresholds__target_error=0.1, crops__halo=16) == ["detect", "segment", "evaluate"]


@pytest.mark.parametrize("change", [{"detector.second.head_convs": 1}, {"second_training.lr": 0.01}], ids=str)
def test_a_second_detector_and_its_training_count(change):
    pair = {"detector.second": {"space_to_depth": 1, "coarse_mask": False}}
    before, after = (stage_keys(make_settings("smoke", settings), "cpu") for settings in (pair, pair | change))
    changed = [stage for stage in STAGES if before[stage] != after[stage]]
    assert changed == STAGES[STAGES.index("train-detector") :]


@pytest.mark.parametrize("stage", ["detector", "segmenter"])
def test_of_a_bundle_to_start_from_the_weights_count_and_not_the_place(stage, tmp_path):
    def save(folder, seed):
        torch.manual_seed(seed)
        detector, segmenter = build_detector(tiny.DETECTOR), build_segmenter(tiny.SEGMENTER)
        return save_bundle(folder, detector, segmenter, tiny.tiny_card())

    def key(bundle, *others):
        training = {f"{stage}_training.start": bundle, f"{stage}_training.start_others": others}
        settings = make_settings("smoke", training)
        return stage_keys(settings, "cpu")[f"train-{stage}"]

    here, other = save(tmp_path / "here", seed=1), save(tmp_path / "other", seed=2)
    there = shutil.copytree(here, tmp_path / "there")
    assert key(here) == key(there)
    assert key(here, other) == key(there, other)
    assert len({key(here), key(other), key(None), key(here, other), key(here, here)}) == 5


@pytest.mark.parametrize("overrides", [{"figures": 3}, {"device": "cpu"}], ids=str)
def test_what_no_stage_depends_on_changes_nothing(overrides):
    assert changed_stages(**overrides) == []


def test_a_gpu_trains_for_every_device_and_what_it_finds_is_its_own():
    settings = make_settings("smoke")
    cpu, cuda = stage_keys(settings, "cpu"), stage_keys(settings, "cuda")
    differing = [stage for stage in cpu if cpu[stage] != cuda[stage]]
    assert differing == ["detect", "segment", "evaluate"]


def test_a_stage_is_done_only_when_its_work_returned(tmp_path):
    folder = tmp_path / "stage"

    def broken(out):
        (out / "half").write_text("")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_stage(folder, broken)
    assert not is_done(folder)
    run_stage(folder, lambda out: (out / "whole").write_text(""))
    assert is_done(folder)


def test_of_two_runs_at_once_one_does_the_work_and_the_other_waits(tmp_path):
    folder, entered, done = tmp_path / "stage", threading.Event(), []

    def work(out):
        entered.set()
        time.sleep(0.2)
        done.append(out)

    first = threading.Thread(target=run_stage, args=(folder, work))
    first.start()
    entered.wait(600)
    run_stage(folder, work)
    first.join(600)
    assert done == [folder]
    assert is_done(folder)
