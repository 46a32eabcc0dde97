"""Stages *train detector* and *detect*: from boxes to a trained RetinaNet, its detections and its operating point."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
from safetensors.torch import load_file, save_file

from models.bundle import fill, starting_weights
from models.cells import CellBoxes
from models.detector import CrackDetector, DetectorConfig, build_detector
from models.segmenter import build_segmenter
from pipeline.atomic import write_whole
from pipeline.cascade import MIN_SCORE, Cascade
from pipeline.operating_point import CELLS, candidates_of, choose_operating_point
from pipeline.settings import DetectorTrainSettings, RunSettings
from pipeline.splits import PARTS
from pipeline.stages.prepare import BOX_COLUMNS, load_part
from pipeline.train_detector import DetectorTrainee
from pipeline.training import Report, Trained, pick_device, train


def train_detector(settings: RunSettings, prepared: Path, out: Path, report: Report) -> None:
    """Train stage 1 on the ``train`` part; leaves what `pipeline.training.train` leaves.

    Of two detectors (``detector.second``) each trains by itself, in folders of their own; ``best.safetensors`` then
    holds both, and ``history.parquet`` one training after the other.
    """
    train_part, val = (load_part(settings, prepared, part) for part in ("train", "val"))

    def alone(config: DetectorConfig, training: DetectorTrainSettings, out: Path) -> Trained:
        trainee = DetectorTrainee(
            config, settings.labels, settings.detector_augment, training, settings.seed, train_part, val
        )
        if training.start:
            trainee.model.load_state_dict(starting_weights(training.start, config), strict=False)
        return train(trainee, training, out, settings.seed, pick_device(settings.device), report)

    config = settings.detector
    if config.second is None:
        alone(config, settings.detector_training, out)
        return
    first = alone(config.model_copy(update={"second": None}), settings.detector_training, out / "first")
    second = alone(config.second, settings.second_training, out / "second")
    later = second.history.assign(epoch=second.history["epoch"] + len(first.history))
    both = load_file(first.weights) | {f"second.{name}": own for name, own in load_file(second.weights).items()}
    write_whole(out / "best.safetensors", lambda path: save_file(both, path))
    history = pd.concat([first.history, later], ignore_index=True)
    write_whole(out / "history.parquet", lambda path: history.to_parquet(path, index=False))


def load_detector(settings: RunSettings, trained: Path) -> CrackDetector:
    """Detector with the weights of the epoch that was kept."""
    detector = build_detector(settings.detector.model_copy(update={"weights": "none"}))
    fill(detector, trained / "best.safetensors")
    detector.eval()
    return detector


def detector_alone(settings: RunSettings, trained: Path, look_again: bool = False) -> Cascade:
    """The hot path with a trained stage 1; its stage 2 has no training and must not be asked."""
    return Cascade(
        load_detector(settings, trained),
        build_segmenter(settings.segmenter.model_copy(update={"weights": "none"})),
        settings.segmenter,
        settings.crops,
        MIN_SCORE,
        0.5,
        pick_device(settings.device),
        look_again=look_again,
    )


def detect_all(settings: RunSettings, prepared: Path, trained: Path, out: Path) -> None:
    """Choose the operating point on ``val`` and run the detector over every part, crack-free pictures too.

    Writes ``detections.parquet`` (name, part, box, score from 0.01 up), ``curve.parquet`` (validation) and
    ``operating_point.json``.
    """
    cascade = detector_alone(settings, trained, settings.look_again)
    config, thresholds = settings.detector, settings.thresholds
    val = load_part(settings, prepared, "val")
    candidates = candidates_of(
        cascade.see([sample.image for sample in val]),
        [sample.mask for sample in val],
        settings.cells,
        config.cell_px if config.cells else None,
        CELLS if thresholds.cell is None else [thresholds.cell],
    )
    point = choose_operating_point(candidates, thresholds)
    cascade.cells = point.cells
    frames = []
    for part in (*PARTS, "clean"):
        samples = load_part(settings, prepared, part)
        for sample, (boxes, scores) in zip(samples, cascade.detect([s.image for s in samples]), strict=True):
            frames.append(pd.DataFrame(boxes, columns=BOX_COLUMNS).assign(score=scores, name=sample.name, part=part))
    described = {
        "score_threshold": point.score_threshold,
        "cells": point.cells.model_dump(),
        "origin": "fixed"
        if thresholds.score is not None
        else f"validation: segmentation error ≤ {thresholds.target_error}, precision ≥ {thresholds.target_precision}",
    }
    pd.concat(frames, ignore_index=True).to_parquet(out / "detections.parquet", index=False)
    point.curve.to_parquet(out / "curve.parquet", index=False)
    (out / "operating_point.json").write_text(json.dumps(described, indent=2, ensure_ascii=False))


def read_score_threshold(detected: Path) -> float:
    """Score threshold that `detect_all` settled on."""
    return float(json.loads((detected / "operating_point.json").read_text())["score_threshold"])


def read_cells(detected: Path) -> CellBoxes:
    """How boxes are drawn, as `detect_all` settled it."""
    return CellBoxes.model_validate(json.loads((detected / "operating_point.json").read_text())["cells"])
