"""Score fusion: what both stages think of a pixel, as one probability.

Stage 2 sees best where a line runs; stage 1 has been trained in another way, and often on other roads too, to say
whether there is a crack at all. Where the two differ, their mean is right more often than either.
"""

from __future__ import annotations

import cv2
import numpy as np

from models.compiled import compiled
from pipeline.arrays import AnyBoxes, Boxes, CoarseMask, ProbabilityMap, round_outwards

STRIP = 256  # rows of the coarse mask that are enlarged at a time: a whole one takes as much memory as the picture


def fuse_scores(
    probability: ProbabilityMap, coarse_mask: CoarseMask, boxes: AnyBoxes, coarse_px: int
) -> ProbabilityMap:
    """Mean of the log-odds of both stages inside boxes, 0 elsewhere.

    This is the logarithmic opinion pool with equal weights (Genest and Zidek 1986, Statistical Science 1, section 3).

    Args:
        probability: what stage 2 says, ``(H, W)``.
        coarse_mask: what stage 1 says (`pipeline.cascade.stage1_output.Stage1Output`). Without one, stage 2 decides
            alone.
        boxes: ``(N, 4)`` xyxy px.
        coarse_px: side of a pixel of the coarse mask, px.

    Returns:
        ``(H, W)`` float32, 0–1.
    """
    if len(boxes) == 0:  # most photographs of a survey
        return np.zeros_like(probability)
    inside = round_outwards(boxes, probability.shape)
    if not coarse_mask.size:
        return _only_inside(probability, inside)
    fused = np.zeros_like(probability)  # made here: memory that no box touches is never taken
    for top in range(0, len(coarse_mask), STRIP):
        strip = inside[(inside[:, 1] < (top + STRIP) * coarse_px) & (inside[:, 3] > top * coarse_px)]
        if len(strip):
            _mean_log_odds(probability, _enlarged(coarse_mask, top, coarse_px), strip, top * coarse_px, fused)
    return fused


def _enlarged(coarse_mask: CoarseMask, top: int, coarse_px: int) -> ProbabilityMap:
    """`STRIP` rows of a coarse mask from `top` on, in px of the picture, as they are in the whole one enlarged."""
    first, last = max(top - 1, 0), min(top + STRIP + 1, len(coarse_mask))  # a row is mixed with its neighbours
    size = coarse_mask.shape[1] * coarse_px, (last - first) * coarse_px
    enlarged = cv2.resize(coarse_mask[first:last], size, interpolation=cv2.INTER_LINEAR)
    skipped = (top - first) * coarse_px
    return np.asarray(enlarged[skipped : skipped + STRIP * coarse_px], np.float32)


def _only_inside(probability: ProbabilityMap, boxes: Boxes) -> ProbabilityMap:
    kept = np.zeros_like(probability)
    for x1, y1, x2, y2 in boxes.tolist():
        kept[y1:y2, x1:x2] = probability[y1:y2, x1:x2]
    return kept


@compiled(error_model="numpy")  # a check for divisions by 0, which `least` rules out, is slow
def _mean_log_odds(
    probability: ProbabilityMap, other: ProbabilityMap, boxes: Boxes, top: int, fused: ProbabilityMap
) -> None:
    """Fill a strip of `fused`, with boxes ``(N, 4)`` int64 inside the frame, and stage 1's map from row `top` on."""
    none, sure, least = np.float32(0), np.float32(1), np.float32(1e-30)
    for x1, y1, x2, y2 in boxes:
        for y in range(max(y1, top), min(y2, top + len(other))):
            for x in range(x1, x2):
                one, two = probability[y, x], other[y - top, x]
                crack, road = np.sqrt(one * two), np.sqrt(max((sure - one) * (sure - two), none))
                fused[y, x] = crack / max(crack + road, least)
