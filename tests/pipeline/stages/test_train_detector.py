import pandas as pd
import torch
from safetensors.torch import load_file

from pipeline.settings import make_settings
from pipeline.stages.detector import load_detector
from pipeline.stages.prepare import prepare
from pipeline.stages.train_detector import train_detector

OVERRIDES = {"dataset.sample_count": 6, "detector.coarse_mask": True}


def test_two_detectors_train_apart_and_are_kept_together(tmp_path):
    second = {"backbone": "resnet18", "weights": "none", "space_to_depth": 1, "fpn_channels": 16, "head_convs": 1}
    second |= {"levels": [4, 5], "anchor_sizes": [28, 64], "coarse_mask": True}
    settings = make_settings(
        "smoke",
        {**OVERRIDES, "detector.second": second, "detector_training.epochs": 1, "second_training.epochs": 2},
    )
    prepared, trained, alone = (tmp_path / name for name in ("prepared", "trained", "alone"))
    for folder in (prepared, trained, alone):
        folder.mkdir()
    prepare(settings, prepared)
    told = []
    train_detector(settings, prepared, trained, lambda _done, _total, line: told.append(line) if line else None)
    history = pd.read_parquet(trained / "history.parquet")
    assert history["epoch"].tolist() == [1, 2, 3]
    assert {line.split(":")[0] for line in told} == {"first of two", "second of two"}
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
