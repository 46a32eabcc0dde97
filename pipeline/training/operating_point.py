"""Where stage 1 operates: which cells are marked and which boxes count, chosen together on validation data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.cells import CellBoxes, CellCuts
from pipeline.cascade.coarse_boxes import boxes_around_cells
from pipeline.cascade.stage1 import Seen
from pipeline.datasets.base import Mask
from pipeline.metrics import RegionCounts, counts_at, curve_of, skeleton_of
from pipeline.settings import ThresholdSettings

SCORES = np.round(np.arange(0.01, 1.0, 0.01), 2)
CELLS = tuple(np.geomspace(0.001, 0.05, 25).round(4).tolist())
RESAMPLES = 101  # odd, so that the median is one of them


class Candidates(NamedTuple):
    """All that could be chosen.

    Attributes:
        cells: C ways to draw boxes; one without a meaning for a detector that has no head for cells.
        counts: ``(P, C, T, F)`` of each validation picture, at each of `SCORES` (`pipeline.metrics.counts_at`).
    """

    cells: list[CellBoxes]
    counts: NDArray[np.int64]


class OperatingPoint(NamedTuple):
    """Where stage 1 operates.

    Attributes:
        cells: how boxes are drawn; without a meaning for a detector that has no head for cells.
        score_threshold: boxes below it are dropped.
        curve: of `pipeline.metrics.region_curve`, on validation data, at these cells.
    """

    cells: CellBoxes
    score_threshold: float
    curve: pd.DataFrame

    @property
    def figures(self) -> dict[str, float]:
        """The row of the curve nearest to the score threshold, 0 for what is not defined there."""
        row = self.curve.iloc[_nearest_score(self.score_threshold)]
        return {str(name): float(value) for name, value in row.fillna(0.0).items()}


def candidates_of(
    seen: Sequence[Seen], masks: Sequence[Mask], cuts: CellCuts, cell_px: int | None, cells: Sequence[float] = CELLS
) -> Candidates:
    """Count at each pair of thresholds what there is to choose by.

    Args:
        seen: what the detector says of each validation picture.
        masks: ``(H, W)`` bool of each.
        cuts: where boxes are cut.
        cell_px: side of a cell, px; none for a detector without a head for cells, which has one way only.
        cells: thresholds from which on cells are marked.
    """
    ways = [CellBoxes(threshold=cell, **cuts.model_dump()) for cell in (cells if cell_px else cells[:1])]
    counts = []
    for own, mask in zip(seen, masks, strict=True):
        skeleton = skeleton_of(mask)
        found = [boxes_around_cells(*own, cell_px, drawn) if cell_px else own.found for drawn in ways]
        counts.append([counts_at(*boxes, mask, SCORES, skeleton) for boxes in found])
    return Candidates(ways, np.array(counts))


def choose_operating_point(candidates: Candidates, thresholds: ThresholdSettings) -> OperatingPoint:
    """Choose both thresholds of stage 1, or one of them where the other is fixed.

    Twenty pictures make an unsteady choice: one crack more, and it is another. So it is made on `RESAMPLES` draws of
    the pictures with replacement, and the median of each threshold is taken (bagging, Breiman 1996).

    Args:
        candidates: of `candidates_of`; ``thresholds.cell`` has decided which cells there are.
        thresholds: targets, and what is fixed.
    """
    pictures = len(candidates.counts)
    draws = np.random.default_rng(0).multinomial(pictures, np.full(pictures, 1 / pictures), RESAMPLES)
    chosen = [_choose(pooled, thresholds) for pooled in np.tensordot(draws, candidates.counts, axes=1)]
    cell, score = (int(index) for index in np.median(chosen, axis=0))
    return OperatingPoint(
        candidates.cells[cell],
        float(SCORES[score]) if thresholds.score is None else thresholds.score,
        curve_of(candidates.counts[:, cell].sum(axis=0), SCORES),
    )


def _choose(counts: NDArray[np.int64], thresholds: ThresholdSettings) -> tuple[int, int]:
    """The best pair of thresholds by ``(C, T, F)`` counts, as indices.

    Each way to mark cells is taken in the middle (the median) of all score thresholds that keep to both
    ``thresholds.target_error`` and ``thresholds.target_precision``: at either end of them one more crack, or one false
    box less, decides. Where none keeps to both, at the highest that keeps to the error. Of these points the one that
    leaves out most wins, among those that keep to most: the error comes first, then precision.
    """
    precision, error, reduction = _figures(counts)  # (C, T) each
    small, sure = error <= thresholds.target_error, precision >= thresholds.target_precision
    fixed = None if thresholds.score is None else _nearest_score(thresholds.score)
    scores = [_middle(*both) if fixed is None else fixed for both in zip(small, sure, strict=True)]

    def worth(cell: int) -> tuple[float, float, float]:
        at = cell, scores[cell]
        missed = max(error[at], thresholds.target_error)
        return -missed, min(precision[at], thresholds.target_precision), reduction[at]

    best = max(range(len(counts)), key=worth)
    return best, scores[best]


def _middle(small: NDArray[np.bool_], sure: NDArray[np.bool_]) -> int:
    """Median of the scores that keep to both targets, else the highest that keeps to the error, else the lowest."""
    both = np.flatnonzero(small & sure)
    if len(both):
        return int(both[len(both) // 2])
    return int(np.flatnonzero(small)[-1]) if small.any() else 0


def _figures(counts: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Precision (0 without boxes), segmentation error and data reduction of ``(…, F)`` counts."""
    of = dict(zip(RegionCounts.__dataclass_fields__, np.moveaxis(counts, -1, 0), strict=True))
    return (
        of["tp"] / np.maximum(of["tp"] + of["fp"], 1),
        of["missed_px"] / np.maximum(of["crack_px"], 1),
        1 - of["union_px"] / np.maximum(of["frame_px"], 1),
    )


def _nearest_score(score: float) -> int:
    return int(np.abs(SCORES - score).argmin())
