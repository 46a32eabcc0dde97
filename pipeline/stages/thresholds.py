"""Thresholds of stage 2, and of a swifter stage 1, all from validation data."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

import numpy as np

from pipeline.cascade import Cascade, CascadeResult, inside_boxes
from pipeline.datasets.base import Mask, Sample
from pipeline.evaluation import TOLERANCES
from pipeline.metrics import (
    choose_probability_threshold,
    mean_over_pictures,
    segmentation_counts,
    segmentation_curve,
)
from pipeline.stages.detector import THRESHOLDS

PROBABILITIES = np.round(np.arange(0.05, 0.96, 0.01), 2)


def choose_thresholds(cascade: Cascade, samples: Sequence[Sample], fixed: float | None = None) -> dict[str, float]:
    """Thresholds chosen on validation data.

    ``probability_threshold`` and ``full_frame_threshold`` are each the best of its way, by the mean of F1 at 0 and at
    2 px, as in training. They differ: where a detector has ruled out most of what looks like a crack, fainter pixels
    can be believed. ``swift_score_threshold``: `equal_quality_threshold`.

    Args:
        cascade: at its score threshold.
        samples: validation data.
        fixed: probability threshold of both ways; None: the best.
    """
    images = [sample.image for sample in samples]
    results, full_frames = cascade.look(images), cascade.full_frame(images)
    ways = {"probability_threshold": [result.probability for result in results], "full_frame_threshold": full_frames}
    chosen: dict[str, float] = {}
    for name, maps in ways.items():
        found = [(probability, sample.mask) for probability, sample in zip(maps, samples, strict=True)]
        curves = (segmentation_curve(found, PROBABILITIES, tolerance) for tolerance in TOLERANCES)
        chosen[name] = choose_probability_threshold(*curves) if fixed is None else fixed
    goal = _mean_f1([full_frame >= chosen["full_frame_threshold"] for full_frame in full_frames], samples)
    swift = equal_quality_threshold(results, samples, cascade.score_threshold, chosen["probability_threshold"], goal)
    return chosen | {"swift_score_threshold": swift}


def equal_quality_threshold(
    results: Sequence[CascadeResult],
    samples: Sequence[Sample],
    score_threshold: float,
    probability_threshold: float,
    goal: float,
) -> float:
    """Highest score threshold, from `score_threshold` up, at which F1 at 2 px, mean over pictures, is still `goal`.

    What the segmenter says inside boxes that stay is taken as it is, although their crops would be cut a little
    otherwise. `score_threshold` itself where even that falls short.
    """
    chosen = score_threshold
    for threshold in THRESHOLDS[score_threshold < THRESHOLDS]:
        kept = [inside_boxes(result.probability, result.boxes[result.scores >= threshold]) for result in results]
        if _mean_f1([probability >= probability_threshold for probability in kept], samples) < goal:
            break
        chosen = float(threshold)
    return chosen


def _mean_f1(masks: Sequence[Mask], samples: Sequence[Sample]) -> float:
    counts = [segmentation_counts(mask, sample.mask, 2) for mask, sample in zip(masks, samples, strict=True)]
    return mean_over_pictures(counts, attrgetter("f1"))
