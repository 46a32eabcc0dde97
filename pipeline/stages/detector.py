"""Stage *detect*: from a trained stage 1 to its detections and its operating point."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from models.bundle import fill
from models.coarse_mask import CoarseBoxes
from models.detector import CrackDetector, build_detector
from models.runtimes import Runtime, make_runtime
from pipeline.cascade.stage1 import Stage1
from pipeline.datasets.on_demand import batches_of
from pipeline.settings import RunSettings
from pipeline.stages.evaluation import SCORED
from pipeline.stages.prepare import load_part, read_split, sets_of
from pipeline.storage.stage_files import read_stage_json
from pipeline.training.calibrate import coarse_temperature, on_validation, read_calibration
from pipeline.training.loop import pick_device
from pipeline.training.operating_point import COARSE_THRESHOLDS, candidates_of, choose_operating_point, looked_at
from pipeline.training.temperature import tempered

DETECTED = ("test", "clean")  # parts whose detections somebody reads


def load_detector(settings: RunSettings, trained: Path) -> CrackDetector:
    """Detector with the weights of the epoch that was kept."""
    detector = build_detector(settings.detector.model_copy(update={"weights": "none"}))
    fill(detector, trained / "best.safetensors")
    detector.eval()
    return detector


def run_on(settings: RunSettings) -> Runtime:
    """What the run's networks run on."""
    return make_runtime("auto", pick_device(settings.device))


def detect(settings: RunSettings, prepared: Path, trained: Path, out: Path) -> None:
    """Choose the operating point on ``val``, and run the detector over the test part and crack-free pictures.

    Writes ``detections.parquet`` (name, part, box, score from 0.01 up), ``curve.parquet`` (validation) and
    ``operating_point.json``.
    """
    stage1 = Stage1.on(run_on(settings), load_detector(settings, trained), tta=settings.detector_tta)
    config, thresholds = settings.detector, settings.thresholds
    candidates = candidates_of(
        looked_at(stage1, load_part(settings, prepared, "val")),
        settings.box_splitting,
        config.coarse_px if config.coarse_mask else None,
        coarse_thresholds(trained) if thresholds.coarse_mask is None else [thresholds.coarse_mask],
        thresholds.score,
    )
    point = choose_operating_point(candidates, thresholds, sets_of(settings, read_split(prepared).val))
    stage1.boxes = point.coarse_boxes
    rows: list[tuple[object, ...]] = []  # plain numbers: an array a picture would pin the heap where its pixels were
    for part in DETECTED:
        for batch in batches_of(load_part(settings, prepared, part)):
            for sample, (boxes, scores) in zip(batch, stage1.detect([s.image for s in batch]), strict=True):
                rows += [(*scored, sample.name, part) for scored in np.column_stack([boxes, scores]).tolist()]
    detections = pd.DataFrame(rows, columns=[*SCORED, "name", "part"]).astype(dict.fromkeys(SCORED, np.float32))
    described = {
        "score_threshold": point.score_threshold,
        "coarse_boxes": point.coarse_boxes.model_dump(),
        "origin": "fixed"
        if thresholds.score is not None
        else f"validation: segmentation error ≤ {thresholds.target_error}, precision ≥ {thresholds.target_precision}",
        "validation": point.on_validation(thresholds) | on_validation(read_calibration(trained)),
        "by_set": point.by_set,
    }
    detections.to_parquet(out / "detections.parquet", index=False)
    point.curve.to_parquet(out / "curve.parquet", index=False)
    (out / "operating_point.json").write_text(json.dumps(described, indent=2, ensure_ascii=False))


def coarse_thresholds(trained: Path) -> list[float]:
    """Those of `COARSE_THRESHOLDS`, where calibration has put them: they hold what they held before it."""
    temperature = coarse_temperature(trained)
    return [tempered(threshold, temperature) for threshold in COARSE_THRESHOLDS]


def read_score_threshold(detected: Path) -> float:
    """Score threshold that `detect` settled on."""
    return float(read_stage_json(detected / "operating_point.json")["score_threshold"])


def read_validation(detected: Path) -> dict[str, float | bool | None]:
    """What stage 1 has on validation pictures where `detect` lets it operate, and its calibration there, by column of
    ``runs`` (`OperatingPoint.on_validation`, `pipeline.training.calibrate.on_validation`).
    """
    found: dict[str, float | bool | None] = read_stage_json(detected / "operating_point.json")["validation"]
    return found


def read_coarse_boxes(detected: Path) -> CoarseBoxes:
    """How boxes are drawn, as `detect` settled it."""
    return CoarseBoxes.model_validate(read_stage_json(detected / "operating_point.json")["coarse_boxes"])
