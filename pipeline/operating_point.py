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


def choose_operating_point(
    seen: Sequence[Seen], masks: Sequence[Mask], cuts: CellCuts, cell_px: int | None, thresholds: ThresholdSettings
) -> OperatingPoint:
    """Choose both thresholds of stage 1, or one of them where the other is fixed.

    Each way to mark cells is taken in the middle (the median) of all score thresholds that keep to both
    ``thresholds.target_error`` and ``thresholds.target_precision``: at either end of them one more crack, or one false
    box less, decides. Where none keeps to both, at the highest that keeps to the error. Of these points the one that
    leaves out most wins, among those that keep to most: the error comes first, then precision.

    Args:
        seen: what the detector says of each validation picture.
        masks: ``(H, W)`` bool of each.
        cuts: where boxes are cut.
        cell_px: side of a cell, px; none for a detector without a head for cells.
        thresholds: targets, and what is fixed.
    """
    marked = (thresholds.cell,) if thresholds.cell is not None else CELLS
    points = [
        _point(seen, masks, CellBoxes(threshold=cell, **cuts.model_dump()), cell_px, thresholds)
        for cell in (marked if cell_px else CELLS[:1])
    ]
    return max(points, key=lambda point: _worth(point, thresholds))


def _point(
    seen: Sequence[Seen], masks: Sequence[Mask], cells: CellBoxes, cell_px: int | None, thresholds: ThresholdSettings
) -> OperatingPoint:
    found = [boxes_around_cells(*own, cell_px, cells) if cell_px else own.found for own in seen]
    curve = region_curve([(*own, mask) for own, mask in zip(found, masks, strict=True)], SCORES)
    score = _middle(curve, thresholds) if thresholds.score is None else thresholds.score
    return OperatingPoint(cells, score, curve)


def _middle(curve: pd.DataFrame, thresholds: ThresholdSettings) -> float:
    """Median of the score thresholds that keep to both targets, or the highest that keeps to the error."""
    small, sure = (
        curve["segmentation_error"] <= thresholds.target_error,
        curve["precision"] >= thresholds.target_precision,
    )
    both = curve.loc[small & sure, "score_threshold"].to_numpy()
    return float(both[len(both) // 2]) if len(both) else choose_score_threshold(curve, thresholds.target_error)


def _worth(point: OperatingPoint, thresholds: ThresholdSettings) -> tuple[float, float, float]:
    """Sorts points: missing little comes first, then precision, then how much is left out."""
    nearest = np.abs(point.curve["score_threshold"].to_numpy() - point.score_threshold).argmin()
    row = point.curve.iloc[int(nearest)].fillna(0.0)
    missed = max(float(row["segmentation_error"]), thresholds.target_error)
    return -missed, min(float(row["precision"]), thresholds.target_precision), float(row["data_reduction"])
