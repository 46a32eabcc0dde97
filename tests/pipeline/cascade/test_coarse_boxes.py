import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.cells import CellBoxes
from pipeline.cascade.coarse_boxes import boxes_around_cells, join_tiles
from pipeline.cascade.tiles import Tile

MARKED = CellBoxes(threshold=0.3)
NOTHING = np.zeros((0, 4), np.float32), np.zeros(0, np.float32)


def found(*rows):
    table = np.array(rows, np.float32).reshape(-1, 5)
    return table[:, :4], table[:, 4]


def test_a_box_is_drawn_around_the_marked_cells_in_a_detection_worked_by_hand():
    cells = np.zeros((10, 20), np.float32)
    cells[3, 4:9] = 0.4
    cells[3, 6] = 0.9
    cells[8, 15] = 0.9  # in no detection
    boxes, scores = boxes_around_cells(found((10, 4, 50, 30, 0.4)), cells, (40, 80), 4, MARKED)
    assert boxes.tolist() == [[16, 12, 36, 16]]
    # belief 0.4 in five cells, one of 0.9 and four of 0.4: √(0.4 · 2.5 / 8)
    assert scores.tolist() == pytest.approx([(1 / 8) ** 0.5])


def test_the_surest_detection_that_holds_a_marked_cell_counts():
    cells = np.zeros((10, 20), np.float32)
    cells[3, 4:9] = 1
    _, scores = boxes_around_cells(
        found((60, 20, 80, 40, 0.81), (16, 8, 40, 20, 0.64), (0, 0, 80, 40, 0.16)), cells, (40, 80), 4, MARKED
    )
    # the second holds all five cells: √(5 · 0.64 / 8)
    assert scores.tolist() == pytest.approx([0.4**0.5])


def test_without_detections_or_marked_cells_there_are_no_boxes():
    for detections, cells in ((NOTHING, np.ones((10, 20))), (found((0, 0, 80, 40, 0.9)), np.full((10, 20), 0.2))):
        boxes, scores = boxes_around_cells(detections, cells.astype(np.float32), (40, 80), 4, MARKED)
        assert boxes.shape == (0, 4)
        assert scores.shape == (0,)


def test_a_crack_is_cut_where_that_leaves_out_road_and_the_last_cell_ends_with_the_picture():
    cells = np.eye(11, 75, dtype=np.float32)
    cells[10, 10:] = 1
    boxes, scores = boxes_around_cells(found((0, 0, 298, 42, 1)), cells, (42, 298), 4, MARKED)
    assert [24, 40, 298, 42] not in boxes.tolist()
    assert len(boxes) > 1
    assert scores.tolist() == [1] * len(boxes)
    assert boxes[:, 2].max() == 298
    assert boxes[:, 3].max() == 42


@given(st.integers(0, 2**32 - 1))
def test_boxes_hold_every_marked_cell_in_a_detection_best_first(seed):
    draw = np.random.default_rng(seed)
    cells = (draw.random((12, 18)) ** 4).astype(np.float32)
    x1, y1 = draw.uniform(0, 40, (2, 3))
    detections = np.stack([x1, y1, x1 + 15, y1 + 7], axis=1).astype(np.float32), np.array([0.9, 0.5, 0.2], np.float32)
    boxes, scores = boxes_around_cells(detections, cells, (48, 72), 4, MARKED)
    assert (np.diff(scores) <= 0).all()
    inside = np.zeros((48, 72), bool)
    for left, top, right, bottom in boxes.astype(int):
        inside[top:bottom, left:right] = True
    for row, column in zip(*np.nonzero(cells >= 0.3), strict=True):
        top, left = 4 * row, 4 * column
        touched = (
            (detections[0][:, 0] < left + 4)
            & (detections[0][:, 2] > left)
            & (detections[0][:, 1] < top + 4)
            & (detections[0][:, 3] > top)
        ).any()
        if touched:
            assert inside[top : top + 4, left : left + 4].all()


def test_tiles_that_begin_with_a_cell_are_put_side_by_side():
    left, right = np.full((5, 6), 0.25, np.float32), np.full((5, 6), 0.75, np.float32)
    parts = [
        (Tile((0, 0, 24, 20), (0, 0, 20, 20)), left),
        (Tile((16, 0, 40, 20), (20, 0, 40, 20)), right),
    ]
    whole = join_tiles(parts, (20, 40), 4)
    assert whole[0].tolist() == [0.25] * 5 + [0.75] * 5
    assert (whole == whole[0]).all()


@given(st.integers(0, 7), st.integers(0, 37), st.integers(0, 15))
def test_no_marked_pixel_is_lost_where_a_tile_begins_inside_a_cell(start, column, row):
    """Two tiles over 40 px, the second from any px on: the cell of the frame with the marked pixel is marked."""
    mark = np.zeros((16, 40), np.float32)
    mark[row, column] = 1
    border = start + 10
    tiles = [Tile((0, 0, 24, 16), (0, 0, border, 16)), Tile((start + 2, 0, 40, 16), (border, 0, 40, 16))]
    parts = []
    for tile in tiles:
        seen = mark[:, tile.frame[0] : tile.frame[2]]
        seen = np.pad(seen, ((0, 0), (0, -seen.shape[1] % 4)))
        parts.append((tile, seen.reshape(4, 4, -1, 4).max(axis=(1, 3))))
    assert join_tiles(parts, (16, 40), 4)[row // 4, column // 4] == 1
