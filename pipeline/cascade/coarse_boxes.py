"""Boxes drawn tight around the cells that stage 1 marks, inside of what its boxes hold.

A RetinaNet's box is a guess at four edges, and says nothing of the road inside it. Its second head
(`models.cells.CellHead`) says which cells of a few px may hold crack. Boxes around the cells that both believe in
leave out more of the road, do not overlap, and their scores say more: a box that holds no marked cell is gone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.cells import CellBoxes
from pipeline.cascade.split_boxes import cut_components
from pipeline.cascade.stage1 import CellMap, Found
from pipeline.cascade.tiles import Tile

SUREST = 8  # cells that make a box's score; a crack of 30 px has as many
MIN_BELIEF = 0.05  # cells in no detection of at least this score stay out, whatever the other head says


def boxes_around_cells(found: Found, cells: CellMap, size: tuple[int, int], cell_px: int, drawn: CellBoxes) -> Found:
    """Draw boxes around the marked cells of a picture.

    A marked cell counts as much as both heads together believe in it: what its own head says, times the best score
    among the detections that hold part of it. A box's score is the square root of the mean of its `SUREST` surest
    cells, missing ones counting as 0: a geometric mean of both heads, which a speck does not reach.

    Args:
        found: detections from `MIN_BELIEF` up, best first.
        cells: what the second head says.
        size: ``(H, W)`` px.
        cell_px: side of a cell, px.
        drawn: which cells are marked, and where boxes are cut.

    Returns:
        Boxes ``(M, 4)`` float32 xyxy px and scores ``(M,)`` float32, best first.
    """
    belief = _belief(found, cells.shape, cell_px)
    marked = (cells >= drawn.threshold) & (belief > 0)
    crack = belief * cells * marked
    boxes = np.array(cut_components(marked, crack, drawn.least, drawn.saving_px / cell_px**2), np.int64).reshape(-1, 4)
    surest = [np.sort(crack[y1:y2, x1:x2], axis=None)[-SUREST:].sum() / SUREST for x1, y1, x2, y2 in boxes.tolist()]
    scores = np.sqrt(np.array(surest, np.float32))
    order = np.argsort(-scores, kind="stable")
    height, width = size
    in_px = np.minimum(boxes[order] * cell_px, [width, height, width, height])
    return in_px.astype(np.float32), scores[order]


def join_tiles(parts: Sequence[tuple[Tile, CellMap]], size: tuple[int, int], cell_px: int) -> CellMap:
    """Cells of an ``(H, W)`` picture from those of its tiles, each where the tile answers for it.

    A tile may begin inside a cell of the picture: of the cells of the tile that lie in one of the picture, the surest
    counts, so that no crack pixel falls between two.
    """
    whole = np.zeros(tuple(-(-side // cell_px) for side in size), np.float32)
    for tile, cells in parts:
        rows, columns = (
            np.arange(tile.own[axis] // cell_px, -(-tile.own[axis + 2] // cell_px)) * cell_px - tile.frame[axis]
            for axis in (1, 0)
        )
        target = whole[tile.own[1] // cell_px :, tile.own[0] // cell_px :][: len(rows), : len(columns)]
        for first_row in (rows, rows + cell_px - 1):
            for first_column in (columns, columns + cell_px - 1):
                own_rows, own_columns = (
                    (first // cell_px).clip(0, side - 1)
                    for first, side in zip((first_row, first_column), cells.shape, strict=True)
                )
                np.maximum(target, cells[np.ix_(own_rows, own_columns)], out=target)
    return whole


def _belief(found: Found, shape: tuple[int, ...], cell_px: int) -> CellMap:
    """Of each cell, the best score of the detections that hold part of it; 0 in none."""
    boxes, scores = found
    belief = np.zeros(shape, np.float32)
    held = np.concatenate([np.floor(boxes[:, :2] / cell_px), np.ceil(boxes[:, 2:] / cell_px)], axis=1).astype(int)
    for (x1, y1, x2, y2), score in zip(held[::-1].tolist(), scores[::-1].tolist(), strict=True):
        belief[y1:y2, x1:x2] = score  # the best last, over the others
    return belief
