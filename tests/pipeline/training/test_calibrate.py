from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from models.detections import Detections
from models.segmenter import build_segmenter
from models.temperature import PIXEL_LOGITS
from pipeline.cascade.stage1_output import Stage1Output
from pipeline.datasets.base import Sample
from pipeline.metrics.calibration import LOGITS, count_logits
from pipeline.settings import TrainSettings
from pipeline.training import calibrate
from pipeline.training.calibrate import coarse_temperature, on_validation, read_calibration, write_calibration
from pipeline.training.calibrate_detector import calibrate_detector, detector_counts
from pipeline.training.calibrate_segmenter import calibrate_segmenter
from pipeline.training.from_start import train_from
from pipeline.training.temperature import FEWEST_PICTURES, Calibrated
from tests.pipeline.training.test_detector import stroke
from tests.tiny import DETECTOR, SEGMENTER, Darkness, eager_detector

CPU = torch.device("cpu")
PICTURES = [stroke(f"v{row}", row) for row in range(4, 60, 11)]
ONE_SET = [""] * len(PICTURES)


def test_detections_and_coarse_pixels_are_counted_by_what_they_hold():
    """8 × 12 px in coarse pixels of 4: a crack in the second, and nobody can judge the third of the first row."""
    mask, ignore = np.zeros((8, 12), bool), np.zeros((8, 12), bool)
    mask[0, 4] = ignore[1, 9] = True
    boxes = np.array([[3, 0, 6, 3], [0, 4, 4, 8], [8, 0, 12, 4]], np.float32)
    coarse = np.array([[0.1, 0.9, 0.6], [0.2, 0.2, 0.2]], np.float32)
    output = Stage1Output(Detections(boxes, np.array([0.8, 0.7, 0.6], np.float32)), coarse, (8, 12))
    stage1 = SimpleNamespace(look=lambda images: [output], detector=SimpleNamespace(config=DETECTOR))
    counts = detector_counts(stage1, Sample("a", "a", np.zeros((8, 12, 3), np.uint8), mask, ignore))
    assert (counts["score"] == count_logits(np.array([0.8, 0.7]), np.array([True, False]))).all()
    expected = count_logits(np.array([0.9, 0.1, 0.2, 0.2, 0.2]), np.array([True, *[False] * 4]))
    assert (counts["coarse"] == expected).all()


def test_a_detector_without_a_coarse_mask_has_scores_only(tmp_path):
    torch.manual_seed(0)
    config = DETECTOR.model_copy(update={"coarse_mask": False})
    save_file(eager_detector(config).state_dict(), tmp_path / "best.safetensors")
    fitted = calibrate_detector(tmp_path / "best.safetensors", config, PICTURES, ONE_SET, CPU)
    assert fitted.keys() == read_calibration(tmp_path).keys() == {"score"}
    assert coarse_temperature(tmp_path) == 1


def test_pixels_that_nobody_can_judge_are_left_out(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(
        calibrate, "fit_temperature", lambda counts, *_: seen.append(counts) or Calibrated(1.0, None, None, "")
    )
    plain = PICTURES[0]
    ignore = np.zeros_like(plain.mask)
    ignore[:, 40:] = True
    save_file(build_segmenter(SEGMENTER).state_dict(), tmp_path / "best.safetensors")
    halved = Sample("a", "a", plain.image, plain.mask & ~ignore, ignore)
    calibrate_segmenter(tmp_path / "best.safetensors", SEGMENTER, [halved], [""], CPU)
    (counts,) = seen
    assert counts.shape == (1, 2, len(LOGITS))
    assert counts.sum(axis=(0, 2)).tolist() == [(~halved.mask & ~ignore).sum(), halved.mask.sum()]


def test_what_a_network_says_comes_divided_by_what_was_fitted(tmp_path, monkeypatch):
    """Weights that make all logits three times too large get a third of them back."""
    torch.manual_seed(0)
    monkeypatch.setattr(calibrate, "LAYERS", {calibrate.PROBABILITY: "slope"})
    monkeypatch.setattr(calibrate, "divide_logits", lambda weights, by: {"slope": weights["slope"] / by["slope"]})
    network = Darkness()
    random = np.random.default_rng(0)

    def counts(_):
        logits = random.normal(-1, 1, 20_000)
        truth = random.random(20_000) < 1 / (1 + np.exp(-logits))
        return {calibrate.PROBABILITY: count_logits(1 / (1 + np.exp(-3 * logits)), truth)}

    fitted = calibrate.calibrate(network, counts, tmp_path / "best.safetensors", PICTURES, ONE_SET)
    assert len(PICTURES) >= FEWEST_PICTURES
    temperature = fitted["probability"].temperature
    assert temperature == pytest.approx(3, rel=0.02)
    assert float(load_file(tmp_path / "best.safetensors")["slope"]) == pytest.approx(-4 / temperature)
    assert read_calibration(tmp_path) == fitted


def test_the_share_of_a_start_is_taken_before(tmp_path, monkeypatch):
    """Weights are averaged as trained, and the mean is calibrated."""
    monkeypatch.setattr(calibrate, "fit_temperature", lambda *_: Calibrated(2.0, 0.2, 0.1))
    torch.manual_seed(0)
    start = build_segmenter(SEGMENTER).state_dict()
    trainee = SimpleNamespace(
        model=build_segmenter(SEGMENTER),
        batches=lambda epoch: [torch.zeros(1, 3, 32, 32)],
        batches_per_epoch=lambda: 1,
        validate=lambda *_: {},
    )
    trainee.loss = lambda batch, device: trainee.model(batch).square().mean()
    settings = TrainSettings(epochs=1, start_share=0.5, ema=0)
    trained = train_from(start, trainee, settings, tmp_path, 1, CPU, lambda *_: None)
    mean = load_file(trained.weights)
    calibrate_segmenter(trained.weights, SEGMENTER, PICTURES[:1], [""], CPU)
    bias = f"{PIXEL_LOGITS}.bias"
    torch.testing.assert_close(load_file(trained.weights)[bias], mean[bias] / 2)


def test_columns_and_the_coarse_temperature_of_two_detectors(tmp_path):
    fitted = {"score": Calibrated(1.0, None, None, "few"), "coarse": Calibrated(2.0, 0.2, 0.1)}
    write_calibration(tmp_path, fitted | {"second_coarse": Calibrated(0.5, 0.3, 0.2)})
    assert coarse_temperature(tmp_path) == pytest.approx(1)
    assert on_validation(fitted) == {
        "score_temperature": 1.0, "val_score_ece_before": None, "val_score_ece_after": None,
        "coarse_temperature": 2.0, "val_coarse_ece_before": 0.2, "val_coarse_ece_after": 0.1,
    }  # fmt: skip
