"""Calibration of a segmenter: of what it says of pixels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from models.bundle import fill
from models.segmenter import SegmenterConfig, build_segmenter
from pipeline.datasets.base import NOT_JUDGED, Sample
from pipeline.metrics.calibration import count_logits
from pipeline.training.calibrate import PROBABILITY, Counts, calibrate
from pipeline.training.segmenter import segment
from pipeline.training.temperature import Calibrated


def calibrate_segmenter(
    weights: Path, config: SegmenterConfig, val: Sequence[Sample], sets: Sequence[str], device: torch.device
) -> dict[str, Calibrated]:
    """Calibrate what training has kept of a segmenter, over whole pictures.

    Args:
        weights: of the segmenter, which are replaced.
        config: its architecture.
        val: validation pictures.
        sets: data set of each, which weigh the same.
        device: to compute on.

    Returns:
        What was fitted, by head, of which there is one.
    """
    network = build_segmenter(config.model_copy(update={"weights": "none"}))
    fill(network, weights)
    network.to(device).eval()

    def counts(sample: Sample) -> dict[str, Counts]:
        with torch.inference_mode():
            probability = segment(network, sample.image, config.multiple, device)
        judged = sample.labels != NOT_JUDGED
        return {PROBABILITY: count_logits(probability[judged], sample.mask[judged])}

    return calibrate(network, counts, weights, val, sets)
