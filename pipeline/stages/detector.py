"""Stage *detect*: from a trained stage 1 to its detections and its operating point."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from models.bundle import fill
from models.cells import CellBoxes
from models.detector import CrackDetector, build_detector
from models.segmenter import build_segmenter
from pipeline.cascade.cascade import MIN_SCORE, Cascade
from pipeline.datasets.splits import PARTS
from pipeline.settings import RunSettings
from pipeline.stages.prepare import BOX_COLUMNS, load_part
from pipeline.training.loop import pick_device
from pipeline.training.operating_point import CELLS, candidates_of, choose_operating_point


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
