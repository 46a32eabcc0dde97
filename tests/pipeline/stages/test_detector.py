import pytest
from safetensors.torch import save_file

import pipeline.cascade.cascade
from models.detector import build_detector
from pipeline.settings import make_settings
from pipeline.stages.detector import detect_all
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
    joined, join = [], pipeline.cascade.cascade.join_looks
    monkeypatch.setattr(pipeline.cascade.cascade, "join_looks", lambda *looks: joined.append(looks) or join(*looks))
    detect_all(settings, prepared, trained, out)
    assert len(joined) > 6 if again else not joined  # every picture once, and those of validation for the thresholds
