"""Where stage 1 operates: the thresholds of the coarse mask and of boxes, chosen together on validation data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

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
NEAR_THE_LEAST = 1.1
"""Where no pair keeps to a target, errors, or shares of false boxes, of up to so many times the least count as least:
validation cannot tell them apart, and for the very least all else is given away: precision for a few pixels of error at
the lowest scores, data reduction for a few boxes at the lowest thresholds of the coarse mask."""
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

    Twenty pictures make an unsteady choice: one crack more, and it is another. So it is made on `RESAMPLES` draws of
    the pictures with replacement (bagging, Breiman 1996), and once on all of them. Of the pairs so chosen, those that
    keep to most on all pictures stay, and of these the one in the middle is taken: the nearest to the medians of both
    thresholds. A median of each threshold by itself would be a pair that no draw has chosen, and may miss the targets.

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
    drawn = [np.tensordot(draws[:, some], candidates.counts[some], axes=1) for some in by_set.values()]
    fixed = None if thresholds.score is None else int(np.abs(candidates.scores - thresholds.score).argmin())
    chosen = [_choose(counts, thresholds, fixed) for counts in np.stack(drawn, axis=1)]
    whole = np.stack([candidates.counts[some].sum(axis=0) for some in by_set.values()])
    way, score = _middle_pair([*chosen, _choose(whole, thresholds, fixed)], whole, thresholds)
    figures = np.stack(_figures_of(whole), axis=-1)[:, way, score]
    return OperatingPoint(
        candidates.coarse_boxes[way],
        float(candidates.scores[score]),
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


def _middle_pair(
    chosen: Sequence[tuple[int, int]], counts: NDArray[np.int64], thresholds: ThresholdSettings
) -> tuple[int, int]:
    """Of the pairs that draws have chosen, and that of all pictures, the middle one of those that keep to most.

    Args:
        chosen: indices of both thresholds, by draw, and last on all pictures.
        counts: ``(S, C, T, F)`` of all pictures, by data set.
        thresholds: targets.
    """
    precision, error, reduction = _figures(counts)
    kept = _kept(sorted(set(chosen)), precision, error, thresholds)
    best = [pair for pair in kept if kept[pair] == max(kept.values())]
    sides = np.array([max(count - 1, 1) for count in counts.shape[1:3]])
    middle = np.median(chosen[:-1], axis=0)

    def distance(pair: tuple[int, int]) -> tuple[float, float]:
        return float((np.abs(np.array(pair) - middle) / sides).sum()), -reduction[pair]

    return min(best, key=distance)


def _choose(counts: NDArray[np.int64], thresholds: ThresholdSettings, fixed: int | None) -> tuple[int, int]:
    """The best pair of thresholds by ``(S, C, T, F)`` counts of data sets, as indices; `fixed` is that of a score.

    Each way to draw boxes is taken in the middle (the median) of all score thresholds that keep to both
    ``thresholds.target_error`` and ``thresholds.target_precision``: at either end of them one more crack, or one false
    box less, decides. Where none keeps to both, at the highest that keeps to the error. Of these points the one that
    leaves out most wins, among those that keep to most: the error comes first, then precision. Where no point keeps to
    a target at all, one near the best does (`NEAR_THE_LEAST`).
    """
    precision, error, reduction = _figures(counts)  # (C, T) each
    allowed = _allowed(error, thresholds)
    small, sure = error <= allowed, precision >= thresholds.target_precision
    scores = [_middle(*both) if fixed is None else fixed for both in zip(small, sure, strict=True)]
    kept = _kept(list(enumerate(scores)), precision, error, thresholds)
    return max(kept, key=lambda pair: (*kept[pair], reduction[pair]))


def _kept(
    pairs: Sequence[tuple[int, int]],
    precision: NDArray[np.float64],
    error: NDArray[np.float64],
    thresholds: ThresholdSettings,
) -> dict[tuple[int, int], tuple[float, float]]:
    """How far each pair of thresholds keeps to both targets, by ``(C, T)`` figures: the same for all that do."""
    allowed = _allowed(error, thresholds)
    false = [1 - precision[pair] for pair in pairs if error[pair] <= allowed]
    wanted = thresholds.target_precision
    if false and 1 - min(false) < wanted:
        wanted = 1 - NEAR_THE_LEAST * min(false)
    return {pair: (-max(error[pair], allowed), min(precision[pair], wanted)) for pair in pairs}


def _allowed(error: NDArray[np.float64], thresholds: ThresholdSettings) -> float:
    """Error that a pair may have: the target, or where ``(C, T)`` errors all miss it, near the least of them."""
    least = float(error.min())
    return thresholds.target_error if least <= thresholds.target_error else NEAR_THE_LEAST * least


def _middle(small: NDArray[np.bool_], sure: NDArray[np.bool_]) -> int:
    """Median of the scores that keep to both targets, else the highest that keeps to the error, else the lowest."""
    both = np.flatnonzero(small & sure)
    if len(both):
        return int(both[len(both) // 2])
    return int(np.flatnonzero(small)[-1]) if small.any() else 0


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
