import weakref

import numpy as np
import pandas as pd
import pytest
from safetensors.torch import save_file

import pipeline.cascade.stage1
from models.detector import build_detector
from models.runtimes import LARGEST_BATCH
from pipeline.datasets.generated.sample import GeneratedSample
from pipeline.settings import make_settings
from pipeline.stages.detector import detect
from pipeline.stages.prepare import prepare, read_split
from pipeline.training.calibrate import write_calibration

OVERRIDES = {"dataset.sample_count": 6, "detector.coarse_mask": True}


def _untrained(settings, tmp_path):
    prepared, trained, out = (tmp_path / name for name in ("prepared", "trained", "out"))
    for folder in (prepared, trained, out):
        folder.mkdir()
    prepare(settings, prepared)
    save_file(build_detector(settings.detector).state_dict(), trained / "best.safetensors")
    write_calibration(trained, {})
    return prepared, trained, out


@pytest.mark.parametrize("tta", [False, True])
def test_the_operating_point_is_chosen_as_pictures_are_looked_at_later(tta, tmp_path, monkeypatch):
    settings = make_settings("smoke", {**OVERRIDES, "detector_tta": tta})
    prepared, trained, out = _untrained(settings, tmp_path)
    joined, join = [], pipeline.cascade.stage1.join_half_turn
    monkeypatch.setattr(pipeline.cascade.stage1, "join_half_turn", lambda *both: joined.append(both) or join(*both))
    detect(settings, prepared, trained, out)
    split = read_split(prepared)
    assert len(joined) == (len(split.val) + len(split.test) if tta else 0)  # and none of those that nobody reads
    assert set(pd.read_parquet(out / "detections.parquet")["part"]) <= {"test"}


def test_of_many_pictures_only_those_of_a_batch_are_held(tmp_path, monkeypatch):
    """Of all parts, whichever data set they are of: what was read is let go before the next batch but one is read."""
    settings = make_settings("smoke", {**OVERRIDES, "dataset.sample_count": 60})
    prepared, trained, out = _untrained(settings, tmp_path)
    held, most, load = set(), [], GeneratedSample.load

    def watched(dataset, name):
        sample = load(dataset, name)
        held.add(name)
        weakref.finalize(sample.image, held.discard, name)
        most.append(len(held))
        return sample

    monkeypatch.setattr(GeneratedSample, "load", watched)
    detect(settings, prepared, trained, out)
    split = read_split(prepared)
    assert len(most) == len(split.val) + len(split.test) > 2 * LARGEST_BATCH
    assert max(most) <= 2 * LARGEST_BATCH
    table = pd.read_parquet(out / "detections.parquet")
    assert (table.drop(columns=["name", "part"]).dtypes == np.float32).all()
