"""Calibration as part of the stages that train: what is kept, once and not twice, and what is told of it."""

import json

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from models.temperature import COARSE_LOGITS, PIXEL_LOGITS, SCORE_LOGITS, divide_logits
from pipeline.settings import make_settings
from pipeline.stages import segmenter as segmenter_stage
from pipeline.stages import train_detector as detector_stage
from pipeline.stages.crop import crop
from pipeline.stages.detector import coarse_thresholds, detect, read_validation
from pipeline.stages.keys import is_done, run_stage
from pipeline.stages.prepare import prepare
from pipeline.storage.schemas import SCHEMAS
from pipeline.training import calibrate
from pipeline.training.calibrate import read_calibration, write_calibration
from pipeline.training.operating_point import COARSE_THRESHOLDS
from pipeline.training.temperature import Calibrated
from tests.pipeline.training.test_detector import stroke

SCORE, OTHERS = 0.5, 2.0  # temperatures of the heads; of scores none is above 1


def settings_on(root):
    return make_settings("smoke", {
        "dataset.name": "folder", "dataset.root": root, "detector.coarse_mask": True, "device": "cpu",
        "detector_training.epochs": 1, "segmenter_training.epochs": 1,
    })  # fmt: skip


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """Of runs over ten pictures of 64 × 96 px."""
    root = tmp_path_factory.mktemp("roads")
    for kind in ("images", "masks"):
        (root / kind).mkdir()
    for row in range(4, 54, 5):
        sample = stroke(f"v{row}", row)
        cv2.imwrite(str(root / "images" / f"{sample.name}.png"), sample.image)
        cv2.imwrite(str(root / "masks" / f"{sample.name}.png"), sample.mask * np.uint8(255))
    return settings_on(root)


@pytest.fixture(scope="module")
def prepared(settings, tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    prepare(settings, folder)
    return folder


@pytest.fixture
def fitted(monkeypatch):
    """So few pictures fit nothing."""
    monkeypatch.setattr(
        calibrate, "fit_temperature", lambda *given: Calibrated(SCORE if given[3] == 1 else OTHERS, 0.2, 0.1)
    )


def assert_divided_once(folder, temperatures):
    trained, kept = load_file(folder / "epoch-001.safetensors"), load_file(folder / "best.safetensors")
    expected = divide_logits(trained, temperatures)
    assert all(torch.equal(kept[name], weight) for name, weight in expected.items())


@pytest.mark.parametrize("killed_in", ["write_whole", "write_calibration"])
def test_a_training_killed_in_its_calibration_goes_on_and_divides_once(
    settings, prepared, tmp_path, monkeypatch, fitted, killed_in
):
    def work(out):
        detector_stage.train_detector(settings, prepared, out, lambda *_: None)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(calibrate, killed_in, killed)
        with pytest.raises(KeyboardInterrupt):
            run_stage(tmp_path, work)
    assert not is_done(tmp_path)
    run_stage(tmp_path, work)
    assert_divided_once(tmp_path, {SCORE_LOGITS: SCORE, COARSE_LOGITS: OTHERS})
    run_stage(tmp_path, work)
    assert_divided_once(tmp_path, {SCORE_LOGITS: SCORE, COARSE_LOGITS: OTHERS})


def test_of_two_detectors_each_is_calibrated_by_itself(settings, prepared, tmp_path, monkeypatch):
    temperatures = iter((2.0, 3.0, 0.5, 0.75))
    monkeypatch.setattr(calibrate, "fit_temperature", lambda *_: Calibrated(next(temperatures), 0.2, 0.1))
    second = settings.detector.model_copy(update={"space_to_depth": 1, "levels": (4, 5), "deepest": 5})
    pair = settings.model_copy(
        update={
            "detector": settings.detector.model_copy(update={"second": second}),
            "second_training": settings.detector_training,
        }
    )
    detector_stage.train_detector(pair, prepared, tmp_path, lambda *_: None)
    kept = {head: each.temperature for head, each in read_calibration(tmp_path).items()}
    assert kept == {"score": 2.0, "coarse": 3.0, "second_score": 0.5, "second_coarse": 0.75}
    both = load_file(tmp_path / "best.safetensors")
    for prefix, own, divisor in (("", "first", 3.0), ("second.", "second", 0.75)):
        trained = load_file(tmp_path / own / "epoch-001.safetensors")
        name = f"{COARSE_LOGITS}.weight"
        assert torch.equal(both[f"{prefix}{name}"], trained[name] / divisor)


def test_few_pictures_leave_the_weights_alone_and_it_is_told(settings, prepared, tmp_path):
    told = []
    detector_stage.train_detector(settings, prepared, tmp_path, lambda done, total, line: told.append(line))
    assert told[-1].startswith("calibrated: score left as it is: fewer than 5 validation pictures hold crack; coarse")
    trained, kept = (load_file(tmp_path / f"{name}.safetensors") for name in ("epoch-001", "best"))
    assert all(torch.equal(kept[name], weight) for name, weight in trained.items())


def test_every_figure_of_it_has_a_column_and_thresholds_come_after(settings, prepared, tmp_path, fitted):
    trained, detected, cropped, segmenting, out = (tmp_path / name for name in "abcde")
    for folder in (trained, detected, cropped, segmenting, out):
        folder.mkdir()
    detector_stage.train_detector(settings, prepared, trained, lambda *_: None)
    detect(settings, prepared, trained, detected)
    crop(settings, prepared, trained, cropped)
    segmenter_stage.train_segmenter(settings, prepared, cropped, segmenting, lambda *_: None)
    assert_divided_once(segmenting, {PIXEL_LOGITS: OTHERS})
    segmenter_stage.segment(settings, prepared, trained, detected, segmenting, out, lambda *_: None)
    point = json.loads((out / "operating_point.json").read_text())
    figures = read_validation(detected) | point
    for head in ("score", "coarse", "probability"):
        assert figures[f"{head}_temperature"] == (SCORE if head == "score" else OTHERS)
        assert (figures[f"val_{head}_ece_before"], figures[f"val_{head}_ece_after"]) == (0.2, 0.1)
    assert set(figures) <= set(SCHEMAS["runs"].names)
    assert point["coarse_threshold"] in coarse_thresholds(trained)
    assert len(pd.read_parquet(detected / "curve.parquet"))


def test_the_grid_of_the_coarse_mask_goes_where_calibration_has_put_it(tmp_path):
    write_calibration(tmp_path, {"score": Calibrated(1.0, None, None, "few")})
    assert coarse_thresholds(tmp_path) == list(COARSE_THRESHOLDS)
    write_calibration(tmp_path, {"coarse": Calibrated(2.0, 0.2, 0.1)})
    first, *_, last = coarse_thresholds(tmp_path)
    assert first == pytest.approx(0.0307, abs=1e-4)  # the odds 1 : 999 become 1 : √999
    assert last == pytest.approx(0.187, abs=1e-3)
