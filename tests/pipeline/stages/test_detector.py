import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

import pipeline.cascade
from models.detector import build_detector
from pipeline.settings import make_settings
from pipeline.stages.detector import detect_all, load_detector, train_detector
from pipeline.stages.prepare import prepare

OVERRIDES = {"dataset.sample_count": 6, "detector.cells": True}


@pytest.mark.parametrize("again", [False, True])
def test_the_operating_point_is_chosen_as_pictures_are_looked_at_later(again, tmp_path, monkeypatch):
    settings = make_settings("smoke", {**OVERRIDES, "look_again": again})
    prepared, trained, out = (tmp_path / name for name in ("prepared", "trained", "out"))
    for folder in (prepared, trained, out):
        folder.mkdir()
    prepare(settings, prepared)
    save_file(build_detector(settings.detector).state_dict(), trained / "best.safetensors")
    joined, join = [], pipeline.cascade.join_looks
    monkeypatch.setattr(pipeline.cascade, "join_looks", lambda *looks: joined.append(looks) or join(*looks))
    detect_all(settings, prepared, trained, out)
    assert len(joined) > 6 if again else not joined  # every picture once, and those of validation for the thresholds


def test_two_detectors_train_apart_and_are_kept_together(tmp_path):
    second = {"backbone": "resnet18", "weights": "none", "fold": 1, "fpn_channels": 16, "head_convs": 1}
    second |= {"levels": [4, 5], "anchor_sizes": [28, 64], "cells": True}
    settings = make_settings(
        "smoke",
        {**OVERRIDES, "detector.second": second, "detector_training.epochs": 1, "second_training.epochs": 2},
    )
    prepared, trained, alone = (tmp_path / name for name in ("prepared", "trained", "alone"))
    for folder in (prepared, trained, alone):
        folder.mkdir()
    prepare(settings, prepared)
    train_detector(settings, prepared, trained, lambda *_: None)
    history = pd.read_parquet(trained / "history.parquet")
    assert history["epoch"].tolist() == [1, 2, 3]
    both = load_detector(settings, trained).state_dict()
    train_detector(
        settings.model_copy(update={"detector": settings.detector.model_copy(update={"second": None})}),
        prepared,
        alone,
        lambda *_: None,
    )
    first = load_file(alone / "best.safetensors")
    assert all(torch.equal(both[name], own) for name, own in first.items())
    assert both.keys() - first.keys() == {f"second.{name}" for name in load_file(trained / "second/best.safetensors")}
