"""Boxes drawn tight around the coarse mask, where the detections of stage 1 agree with it.

A RetinaNet's box is a guess at four edges, and says nothing of the road inside it. The second head
(`models.coarse_mask`) says which squares of a few px may hold crack. Boxes around what both believe in leave out more
of the road, do not overlap, and their scores say more: a box that holds nothing of the coarse mask is gone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.coarse_mask import CoarseBoxes
from models.detections import Detections
from pipeline.arrays import CoarseMask
from pipeline.cascade.split_boxes import split_components
from pipeline.cascade.stage1_output import Stage1Output
from pipeline.cascade.tiles import Tile

SUREST = 8  # pixels of the coarse mask that make a box's score; a crack of 30 px has as many
MIN_SCORE = 0.05  # what lies in no detection of at least this score stays out, whatever the coarse mask says


def boxes_from_coarse_mask(output: Stage1Output, coarse_px: int, settings: CoarseBoxes) -> Detections:
    """Draw boxes around the coarse mask of a picture.

    A pixel of the coarse mask counts as much as both heads together believe in it: its probability, times the best
    score among the detections that hold part of it. A box's score is the square root of the mean of its `SUREST` surest
    pixels, missing ones counting as 0: a geometric mean of both heads, which a speck does not reach.

    Args:
        output: with detections from `MIN_SCORE` up.
        coarse_px: side of a pixel of the coarse mask, px.
        settings: which of its pixels are held by boxes, and where boxes are split.

    Returns:
        M boxes, best first.
    """
    coarse_mask = output.coarse_mask
    belief = _belief(output.detections, coarse_mask.shape, coarse_px)
    held = (coarse_mask >= settings.threshold) & (belief > 0)
    mass = belief * coarse_mask * held
    pieces = split_components(held, mass, settings.min_mass, settings.min_saving_px / coarse_px**2)
    boxes = np.array(pieces, np.int64).reshape(-1, 4)
    surest = [np.sort(mass[y1:y2, x1:x2], axis=None)[-SUREST:].sum() / SUREST for x1, y1, x2, y2 in boxes.tolist()]
    scores = np.sqrt(np.array(surest, np.float32))
    order = np.argsort(-scores, kind="stable")
    height, width = output.size
    in_px = np.minimum(boxes[order] * coarse_px, [width, height, width, height])
    return Detections(in_px.astype(np.float32), scores[order])


def join_coarse_masks(parts: Sequence[tuple[Tile, CoarseMask]], size: tuple[int, int], coarse_px: int) -> CoarseMask:
    """Coarse mask of an ``(H, W)`` picture from those of its tiles, each where the tile answers for it.

    A tile may begin inside a pixel of the picture's coarse mask: of the pixels of the tile that meet it the surest
    counts, so that no crack falls between two.
    """
    whole = np.zeros(tuple(-(-side // coarse_px) for side in size), np.float32)
    for tile, part in parts:
        rows, columns = (
            np.arange(tile.core[axis] // coarse_px, -(-tile.core[axis + 2] // coarse_px)) * coarse_px - tile.frame[axis]
            for axis in (1, 0)
        )
        target = whole[tile.core[1] // coarse_px :, tile.core[0] // coarse_px :][: len(rows), : len(columns)]
        for first_row in (rows, rows + coarse_px - 1):
            for first_column in (columns, columns + coarse_px - 1):
                part_rows, part_columns = (
                    (first // coarse_px).clip(0, side - 1)
                    for first, side in zip((first_row, first_column), part.shape, strict=True)
                )
                np.maximum(target, part[np.ix_(part_rows, part_columns)], out=target)
    return whole


def _belief(detections: Detections, shape: tuple[int, ...], coarse_px: int) -> CoarseMask:
    """Of each pixel of the coarse mask, the best score of the detections that hold part of it; 0 in none."""
    boxes, scores = detections
    belief = np.zeros(shape, np.float32)
    held = np.concatenate([np.floor(boxes[:, :2] / coarse_px), np.ceil(boxes[:, 2:] / coarse_px)], axis=1).astype(int)
    for (x1, y1, x2, y2), score in zip(held[::-1].tolist(), scores[::-1].tolist(), strict=True):
        belief[y1:y2, x1:x2] = score  # the best last, over the others
    return belief
