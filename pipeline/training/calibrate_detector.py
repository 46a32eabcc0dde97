"""Calibration of one detector: of the scores of its detections, and of its coarse mask."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from models.bundle import fill
from models.detector import build_detector
from models.detector_config import DetectorConfig
from models.graphs import DetectorGraph
from models.runtimes import Eager
from pipeline.cascade.stage1 import Stage1
from pipeline.datasets.base import NOT_JUDGED, Sample
from pipeline.metrics import judged_boxes
from pipeline.metrics.calibration import count_logits
from pipeline.reporting.figures import holds_crack
from pipeline.training.calibrate import COARSE, SCORE, Counts, calibrate
from pipeline.training.detector import coarse_truth
from pipeline.training.temperature import Calibrated


def calibrate_detector(
    weights: Path, config: DetectorConfig, val: Sequence[Sample], sets: Sequence[str], device: torch.device
) -> dict[str, Calibrated]:
    """Calibrate what training has kept of one detector: the scores of its detections, and its coarse mask.

    Args:
        weights: of the detector, which are replaced.
        config: its architecture, without a second.
        val: validation pictures.
        sets: data set of each, which weigh the same.
        device: to compute on.

    Returns:
        What was fitted, by head.
    """
    detector = build_detector(config.model_copy(update={"weights": "none"}))
    fill(detector, weights)
    stage1 = Stage1(detector, Eager(DetectorGraph(detector.to(device))))
    return calibrate(detector, lambda sample: detector_counts(stage1, sample), weights, val, sets)


def detector_counts(stage1: Stage1, sample: Sample) -> dict[str, Counts]:
    """What a detector says of one picture against the truth, by head.

    A detection is right where it holds a crack pixel, as in precision (`pipeline.metrics.regions`), and a pixel of the
    coarse mask as in its loss; what nobody can judge is left out of both.
    """
    (output,) = stage1.look([sample.image])
    boxes, scores = output.detections
    judged = judged_boxes(boxes, sample.mask, sample.ignore)
    counts = {SCORE: count_logits(scores[judged], np.asarray(holds_crack(boxes, sample.mask), bool)[judged])}
    if stage1.detector.config.coarse_mask:
        labels, coarse = torch.from_numpy(sample.labels)[None], torch.from_numpy(output.coarse_mask)[None]
        truth, unknown = (
            coarse_truth(labels == value, coarse, stage1.detector.config).numpy() > 0 for value in (1, NOT_JUDGED)
        )
        known = truth | ~unknown
        counts[COARSE] = count_logits(coarse.numpy()[known], truth[known])
    return counts
