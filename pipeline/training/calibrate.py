"""Calibration of a trained network: the temperature of each of its heads, fitted and folded into its weights.

It begins from what training has kept and writes over it. A training that was killed before it was marked as done keeps
its weights anew from an epoch's snapshot when it goes on, so nothing is ever divided twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import nn

from models.temperature import COARSE_LOGITS, PIXEL_LOGITS, SCORE_LOGITS, divide_logits
from pipeline.datasets.base import Sample
from pipeline.storage.atomic import write_whole
from pipeline.storage.stage_files import read_stage_json
from pipeline.training.temperature import HIGHEST, Calibrated, fit_temperature

CALIBRATION = "calibration.json"
SCORE, COARSE, PROBABILITY = "score", "coarse", "probability"  # as the thresholds are called
LAYERS = {SCORE: SCORE_LOGITS, COARSE: COARSE_LOGITS, PROBABILITY: PIXEL_LOGITS}
# A higher one would lift the thousands of anchors on bare road over the score from which on the hot path looks at
# detections: slower, and no score would rule anything out any more (docs/ablations/thresholds.md).
HIGHEST_OF = {SCORE: 1.0}
SECOND = "second_"  # before the heads of a second detector

Counts = NDArray[np.int64]  # (2, L), `pipeline.metrics.calibration.count_logits`


def calibrate(
    network: nn.Module,
    counts_of: Callable[[Sample], dict[str, Counts]],
    weights: Path,
    val: Sequence[Sample],
    sets: Sequence[str],
) -> dict[str, Calibrated]:
    """Fit the temperature of each head of a network, and fold all into its weights.

    Leaves the weights and, beside them, ``calibration.json``.

    Args:
        network: as training has kept it.
        counts_of: what the network says of a picture, by head.
        weights: safetensors file to replace.
        val: validation pictures.
        sets: data set of each; each set weighs the same.
    """
    cracked: list[bool] = []
    pictures: list[dict[str, Counts]] = []
    for sample in val:  # of a pool it is read here
        cracked.append(bool(sample.mask.any()))
        pictures.append(counts_of(sample))
    fitted = {
        head: fit_temperature(
            np.stack([counts[head] for counts in pictures]), cracked, sets, HIGHEST_OF.get(head, HIGHEST)
        )
        for head in pictures[0]
    }
    temperatures = {LAYERS[head]: each.temperature for head, each in fitted.items()}
    trained = {name: weight.cpu().contiguous() for name, weight in network.state_dict().items()}
    divided = divide_logits(trained, temperatures)
    write_whole(weights, lambda path: save_file(divided, path))
    write_calibration(weights.parent, fitted)
    return fitted


def write_calibration(trained: Path, fitted: Mapping[str, Calibrated]) -> None:
    """Keep what was fitted beside the weights."""
    text = json.dumps({head: each._asdict() for head, each in fitted.items()}, indent=2)
    write_whole(trained / CALIBRATION, lambda path: path.write_text(text))


def read_calibration(trained: Path) -> dict[str, Calibrated]:
    """What `write_calibration` kept."""
    kept = read_stage_json(trained / CALIBRATION)
    return {head: Calibrated(**each) for head, each in kept.items()}


def coarse_temperature(trained: Path) -> float:
    """Temperature of the coarse mask of a trained stage 1; of two the geometric mean, without one 1."""
    kept = [each.temperature for head, each in read_calibration(trained).items() if head.endswith(COARSE)]
    return float(np.exp(np.log(kept).mean())) if kept else 1.0


def on_validation(fitted: Mapping[str, Calibrated]) -> dict[str, float | None]:
    """Temperatures and calibration errors by column of ``runs``."""
    columns: dict[str, float | None] = {}
    for head, each in fitted.items():
        columns |= {f"{head}_temperature": each.temperature}
        columns |= {f"val_{head}_ece_before": each.ece_before, f"val_{head}_ece_after": each.ece_after}
    return columns


def told(fitted: Mapping[str, Calibrated]) -> str:
    """What was fitted, in a line.

    >>> told({"coarse": Calibrated(1.52, 0.0321, 0.0107), "score": Calibrated(1.0, None, None, "nothing fits")})
    'calibrated: coarse temperature 1.52, error 3.21 % before and 1.07 % after; score left as it is: nothing fits'
    """
    lines = []
    for head, (temperature, before, after, why) in fitted.items():
        if why or before is None or after is None:
            lines.append(f"{head} left as it is: {why}")
        else:
            lines.append(f"{head} temperature {temperature:.3g}, error {before:.2%} before and {after:.2%} after")
    return f"calibrated: {'; '.join(lines).replace('%', ' %')}"
