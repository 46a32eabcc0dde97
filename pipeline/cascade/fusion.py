"""What both stages think of a pixel, as one probability.

Stage 2 sees best where a line runs; stage 1 has learnt from boxes and cells, in another training and often from other
roads too, whether there is a crack at all. Where the two differ, their mean is right more often than either.
"""

from __future__ import annotations

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.cascade.crops import ProbabilityMap
from pipeline.cascade.stage1 import CellMap
from pipeline.datasets.boxes import Boxes, round_outwards

REACH_PX = 8.0  # standard deviation of what a cell says of its neighbourhood; by validation parts (RESULTS.md)


def pool_opinions(
    probability: ProbabilityMap, cells: CellMap, boxes: NDArray[np.generic], cell_px: int
) -> ProbabilityMap:
    """Mean of the log-odds of both stages inside of boxes, 0 elsewhere.

    This is the logarithmic opinion pool with equal weights (Genest and Zidek 1986, Statistical Science 1, section 3).

    Args:
        probability: what stage 2 says, ``(H, W)``.
        cells: what stage 1 says of cells of ``cell_px`` px (`pipeline.cascade.stage1.Seen`); taken as blurred by
            `REACH_PX`, for its word on a road is good and its word on a pixel is not.
        boxes: ``(N, 4)`` xyxy px.
        cell_px: side of a cell, px.

    Returns:
        ``(H, W)`` float32, 0–1.
    """
    if len(boxes) == 0:  # most photographs of a survey
        return np.zeros_like(probability)
    rows, columns = cells.shape
    around = cv2.GaussianBlur(cells, (0, 0), REACH_PX / cell_px)
    belief = cv2.resize(around, (columns * cell_px, rows * cell_px), interpolation=cv2.INTER_LINEAR)
    return _pool(probability, np.asarray(belief, np.float32), round_outwards(boxes, probability.shape))


@njit(cache=True, nogil=True, error_model="numpy")  # a check for divisions by 0, which `least` rules out, is slow
def _pool(probability: ProbabilityMap, belief: ProbabilityMap, boxes: Boxes) -> ProbabilityMap:
    """The same with boxes ``(N, 4)`` int64 inside of the frame, and a belief that covers it."""
    pooled = np.zeros_like(probability)
    none, sure, least = np.float32(0), np.float32(1), np.float32(1e-30)
    for x1, y1, x2, y2 in boxes:
        for y in range(y1, y2):
            for x in range(x1, x2):
                one, other = probability[y, x], belief[y, x]
                crack, road = np.sqrt(one * other), np.sqrt(max((sure - one) * (sure - other), none))
                pooled[y, x] = crack / max(crack + road, least)
    return pooled
