"""Where stage 1 operates: which cells are marked and which boxes count, chosen together on validation data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from models.cells import CellBoxes, CellCuts
from pipeline.cells import boxes_around_cells
from pipeline.datasets.base import Mask
from pipeline.found import Seen
from pipeline.metrics import choose_score_threshold, region_curve
from pipeline.settings import ThresholdSettings

SCORES = np.round(np.arange(0.01, 1.0, 0.01), 2)
CELLS = (0.001, 0.0015, 0.002, 0.003, 0.004, 0.005, 0.006, 0.008, 0.01, 0.015, 0.02, 0.03, 0.05)


class OperatingPoint(NamedTuple):
    """Where stage 1 operates.

    Attributes:
        cells: how boxes are drawn; without a meaning for a detector that has no head for cells.
        score_threshold: boxes below it are dropped.
        curve: of `region_curve`, on validation data, at these cells.
    """

    cells: CellBoxes
    score_threshold: float
    curve: pd.DataFrame

    @property
    def figures(self) -> dict[str, float]:
        """The row of the curve nearest to the score threshold, 0 for what is not defined there."""
        nearest = np.abs(self.curve["score_threshold"].to_numpy() - self.score_threshold).argmin()
        return {str(name): float(value) for name, value in self.curve.iloc[int(nearest)].fillna(0.0).items()}


def curves_of(
    seen: Sequence[Seen], masks: Sequence[Mask], cuts: CellCuts, cell_px: int | None, cells: Sequence[float] = CELLS
) -> list[tuple[CellBoxes, pd.DataFrame]]:
    """Each way to mark cells with its `region_curve`.

    Args:
        seen: what the detector says of each validation picture.
        masks: ``(H, W)`` bool of each.
        cuts: where boxes are cut.
        cell_px: side of a cell, px; none for a detector without a head for cells, which has one way only.
        cells: thresholds from which on cells are marked.
    """
    curves = []
    for cell in cells if cell_px else CELLS[:1]:
        drawn = CellBoxes(threshold=cell, **cuts.model_dump())
        found = [boxes_around_cells(*own, cell_px, drawn) if cell_px else own.found for own in seen]
        curves.append((drawn, region_curve([(*own, mask) for own, mask in zip(found, masks, strict=True)], SCORES)))
    return curves


def choose_operating_point(
    curves: Sequence[tuple[CellBoxes, pd.DataFrame]], thresholds: ThresholdSettings
) -> OperatingPoint:
    """Choose both thresholds of stage 1, or one of them where the other is fixed.

    Each way to mark cells is taken in the middle (the median) of all score thresholds that keep to both
    ``thresholds.target_error`` and ``thresholds.target_precision``: at either end of them one more crack, or one false
    box less, decides. Where none keeps to both, at the highest that keeps to the error. Of these points the one that
    leaves out most wins, among those that keep to most: the error comes first, then precision.

    Args:
        curves: of `curves_of`.
        thresholds: targets, and what is fixed; ``cell`` has decided which curves there are.
    """
    points = [
        OperatingPoint(cells, _middle(curve, thresholds) if thresholds.score is None else thresholds.score, curve)
        for cells, curve in curves
    ]
    return max(points, key=lambda point: _worth(point, thresholds))


def _middle(curve: pd.DataFrame, thresholds: ThresholdSettings) -> float:
    """Median of the score thresholds that keep to both targets, or the highest that keeps to the error."""
    small = curve["segmentation_error"] <= thresholds.target_error
    sure = curve["precision"] >= thresholds.target_precision
    both = curve.loc[small & sure, "score_threshold"].to_numpy()
    return float(both[len(both) // 2]) if len(both) else choose_score_threshold(curve, thresholds.target_error)


def _worth(point: OperatingPoint, thresholds: ThresholdSettings) -> tuple[float, float, float]:
    """Sorts points: missing little comes first, then precision, then how much is left out."""
    row = point.figures
    missed = max(row["segmentation_error"], thresholds.target_error)
    return -missed, min(row["precision"], thresholds.target_precision), row["data_reduction"]
