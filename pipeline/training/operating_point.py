"""Where stage 1 operates: the thresholds of the coarse mask and of boxes, chosen together on validation data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from models.coarse_mask import BoxSplitting, CoarseBoxes
from pipeline.arrays import Mask
from pipeline.cascade.coarse_boxes import boxes_from_coarse_mask
from pipeline.cascade.stage1 import Stage1
from pipeline.cascade.stage1_output import Stage1Output
from pipeline.datasets.base import Sample
from pipeline.datasets.on_demand import batches_of
from pipeline.metrics import RegionCounts, counts_at, curve_of, skeleton_of
from pipeline.settings import ThresholdSettings
from pipeline.training.by_set import pictures_by_set

SCORES = np.round(np.arange(0.01, 1.0, 0.01), 2)
COARSE_THRESHOLDS = tuple(np.geomspace(0.001, 0.05, 25).round(4).tolist())
RESAMPLES = 101
COST_OF_ERROR = 20
COST_OF_PRECISION = 5
"""Points of data reduction that a point of error above the target costs, and a point of precision below it: set where
they leave out most at equal error on pictures that had no say (docs/ablations/thresholds.md)."""
SMOOTHED = (3, 5)
"""Worth is averaged over this many neighbouring thresholds of the coarse mask and scores: no cliff's edge is chosen."""
FIGURES = ("precision", "segmentation_error", "data_reduction")


class Candidates(NamedTuple):
    """All that could be chosen.

    Attributes:
        coarse_boxes: C ways to draw boxes; one without a meaning for a detector that has no coarse mask.
        counts: ``(P, C, T, F)`` of each validation picture, at each of `scores` (`pipeline.metrics.counts_at`).
        scores: ``(T,)``, rising: `SCORES`, and one that the user has fixed between two of them.
    """

    coarse_boxes: list[CoarseBoxes]
    counts: NDArray[np.int64]
    scores: NDArray[np.float64] = SCORES


class OperatingPoint(NamedTuple):
    """Where stage 1 operates.

    Attributes:
        coarse_boxes: how boxes are drawn; without a meaning for a detector that has no coarse mask.
        score_threshold: boxes below it are dropped.
        curve: of `pipeline.metrics.region_curve`, on validation data, with these boxes; all pictures pooled.
        by_set: ``precision, segmentation_error, data_reduction`` there on the validation pictures of each data set.
    """

    coarse_boxes: CoarseBoxes
    score_threshold: float
    curve: pd.DataFrame
    by_set: dict[str, dict[str, float]]

    def on_validation(self, thresholds: ThresholdSettings) -> dict[str, float | bool]:
        """What the point has on validation pictures, by column of ``runs``, and whether that keeps to both targets."""
        precision, error = self.figures["precision"], self.figures["segmentation_error"]
        return {
            "val_precision": precision,
            "val_segmentation_error": error,
            "val_data_reduction": self.figures["data_reduction"],
            "val_targets_met": error <= thresholds.target_error and precision >= thresholds.target_precision,
        }

    @property
    def figures(self) -> dict[str, float]:
        """Means over data sets: of one alone its own figures."""
        return {name: float(np.mean([figures[name] for figures in self.by_set.values()])) for name in FIGURES}


def candidates_of(
    pictures: Iterable[tuple[Stage1Output, Mask, Mask | None]],
    splitting: BoxSplitting,
    coarse_px: int | None,
    coarse_thresholds: Sequence[float] = COARSE_THRESHOLDS,
    score: float | None = None,
) -> Candidates:
    """Count at each pair of thresholds what there is to choose by.

    Args:
        pictures: of each for validation what the detector says of it, its mask ``(H, W)`` bool, and ``(H, W)`` bool,
            True on pixels not to be judged, or none: all are. None of it is kept.
        splitting: where boxes are split.
        coarse_px: side of a pixel of the coarse mask, px; none for a detector without one, which has one way only.
        coarse_thresholds: thresholds of the coarse mask.
        score: score threshold that is fixed, which is counted at exactly; none: it is to be chosen.
    """
    scores = SCORES if score is None else np.union1d(SCORES, [score])
    thresholds = coarse_thresholds if coarse_px else coarse_thresholds[:1]
    ways = [CoarseBoxes(threshold=threshold, **splitting.model_dump()) for threshold in thresholds]
    counts = []
    for output, mask, ignore in pictures:
        skeleton = skeleton_of(mask)
        detections = [
            boxes_from_coarse_mask(output, coarse_px, way) if coarse_px else output.detections for way in ways
        ]
        counts.append([counts_at(*each, mask, scores, skeleton, ignore) for each in detections])
    return Candidates(ways, np.array(counts), scores)


def looked_at(stage1: Stage1, samples: Iterable[Sample]) -> Iterator[tuple[Stage1Output, Mask, Mask | None]]:
    """Pictures for `candidates_of`, looked at a batch at a time."""
    for batch in batches_of(samples):
        for sample, output in zip(batch, stage1.look([sample.image for sample in batch]), strict=True):
            yield output, sample.mask, sample.ignore


def choose_operating_point(
    candidates: Candidates, thresholds: ThresholdSettings, sets: Sequence[str] | None = None
) -> OperatingPoint:
    """Choose both thresholds of stage 1, or one of them where the other is fixed.

    Twenty pictures make an unsteady choice: one crack more, and it is another. So each pair is judged on `RESAMPLES`
    draws of the pictures with replacement (bagging, Breiman 1996), by the mean of its worth: what it leaves out, less
    what missing the targets costs (`_worth`). The pair of most worth is taken of those that keep to the targets on
    all pictures, if any does (`_keeps`).

    Where the pictures come from several data sets, each is drawn from by itself, and every figure is the mean over
    them: pooled, the set with the widest cracks would decide for all.

    Args:
        candidates: of `candidates_of`, which has minded ``thresholds.coarse_mask`` and ``thresholds.score``.
        thresholds: targets, and what is fixed.
        sets: data set of each picture; none: all are of one.
    """
    sets = sets or [""] * len(candidates.counts)
    crack_px = candidates.counts[:, 0, 0, list(RegionCounts.__dataclass_fields__).index("crack_px")]
    by_set, draws = pictures_by_set(sets, (crack_px > 0).tolist()), _draws(sets)
    fixed = thresholds.score
    at = np.flatnonzero(candidates.scores == fixed) if fixed is not None else np.arange(len(candidates.scores))
    counts = candidates.counts[:, :, at]
    drawn = [np.tensordot(draws[:, some], counts[some], axes=1) for some in by_set.values()]
    whole = np.stack([counts[some].sum(axis=0) for some in by_set.values()])
    way, score = _best_pair(_worth(np.stack(drawn), thresholds), _keeps(whole, thresholds))
    figures = np.stack(_figures_of(whole), axis=-1)[:, way, score]
    return OperatingPoint(
        candidates.coarse_boxes[way],
        float(candidates.scores[at[score]]),
        curve_of(candidates.counts[:, way].sum(axis=0), candidates.scores),
        {name: dict(zip(FIGURES, row, strict=True)) for name, row in zip(by_set, figures.tolist(), strict=True)},
    )


def _draws(sets: Sequence[str]) -> NDArray[np.int64]:
    """How often each picture stands in each draw, ``(RESAMPLES, P)``; each set keeps its number of pictures."""
    random, names = np.random.default_rng(0), np.array(sets)
    draws = np.zeros((RESAMPLES, len(sets)), np.int64)
    for name in dict.fromkeys(sets):
        some = np.flatnonzero(names == name)
        draws[:, some] = random.multinomial(len(some), np.full(len(some), 1 / len(some)), RESAMPLES)
    return draws


def _worth(counts: NDArray[np.int64], thresholds: ThresholdSettings) -> NDArray[np.float64]:
    """What each pair of thresholds is worth, ``(C, T)``, by ``(S, R, C, T, F)`` counts of data sets and draws.

    Of a draw: its data reduction, less `COST_OF_ERROR` times what its error is above the target, less
    `COST_OF_PRECISION` times what its precision is below. So a target out of reach is not chased at any price: neither
    precision goes for the last pixels of error, nor data reduction for the last false box.
    """
    precision, error, reduction = _figures(counts)  # (R, C, T) each
    too_much = np.maximum(error - thresholds.target_error, 0)
    too_little = np.maximum(thresholds.target_precision - precision, 0)
    worth = (reduction - COST_OF_ERROR * too_much - COST_OF_PRECISION * too_little).mean(axis=0)
    return np.asarray(uniform_filter(worth, SMOOTHED, mode="nearest"))


def _keeps(counts: NDArray[np.int64], thresholds: ThresholdSettings) -> NDArray[np.bool_]:
    """Which pairs of thresholds keep to both targets, ``(C, T)``, by ``(S, C, T, F)`` counts.

    Where none does, those that keep to the error, which comes first; where none does that either, all.
    """
    precision, error, _ = _figures(counts)
    small, sure = error <= thresholds.target_error, precision >= thresholds.target_precision
    return next(kept for kept in (small & sure, small, np.ones_like(small)) if kept.any())


def _best_pair(worth: NDArray[np.float64], allowed: NDArray[np.bool_]) -> tuple[int, int]:
    """Indices ``(C, T)`` of the most worth among the allowed; where several tie, the middle way, its middle score."""
    worth = np.where(allowed, worth, -np.inf)
    best = np.argwhere(worth >= worth.max() - 1e-9)  # sums of the same numbers in another order differ by less
    way = int(best[len(best) // 2, 0])
    scores = best[best[:, 0] == way, 1]
    return way, int(scores[len(scores) // 2])


def _figures(counts: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Means of `_figures_of` over the first axis of ``(S, …, F)`` counts, the data sets."""
    precision, error, reduction = (figure.mean(axis=0) for figure in _figures_of(counts))
    return precision, error, reduction


def _figures_of(counts: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """`FIGURES` of ``(…, F)`` counts; precision is 0 without boxes."""
    of = dict(zip(RegionCounts.__dataclass_fields__, np.moveaxis(counts, -1, 0), strict=True))
    return (
        of["tp"] / np.maximum(of["tp"] + of["fp"], 1),
        of["missed_px"] / np.maximum(of["crack_px"], 1),
        1 - of["union_px"] / np.maximum(of["frame_px"], 1),
    )
