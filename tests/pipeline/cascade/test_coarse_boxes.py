import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.coarse_mask import CoarseBoxes
from models.detections import Detections
from pipeline.cascade.coarse_boxes import boxes_from_coarse_mask, join_coarse_masks
from pipeline.cascade.stage1_output import Stage1Output
from pipeline.cascade.tiles import Tile

MARKED = CoarseBoxes(threshold=0.3)
NOTHING = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))


def detected(*rows):
    table = np.array(rows, np.float32).reshape(-1, 5)
    return Detections(table[:, :4], table[:, 4])


def draw_boxes(detections, coarse_mask, size):
    return boxes_from_coarse_mask(Stage1Output(detections, coarse_mask, size), 4, MARKED)


def test_a_box_is_drawn_around_the_marked_pixels_in_a_detection_worked_by_hand():
    coarse_mask = np.zeros((10, 20), np.float32)
    coarse_mask[3, 4:9] = 0.4
    coarse_mask[3, 6] = 0.9
    coarse_mask[8, 15] = 0.9  # in no detection
    boxes, scores = draw_boxes(detected((10, 4, 50, 30, 0.4)), coarse_mask, (40, 80))
    assert boxes.tolist() == [[16, 12, 36, 16]]
    # belief 0.4 in five pixels, one of 0.9 and four of 0.4: √(0.4 · 2.5 / 8)
    assert scores.tolist() == pytest.approx([(1 / 8) ** 0.5])


def test_the_surest_detection_that_holds_a_marked_pixel_counts():
    coarse_mask = np.zeros((10, 20), np.float32)
    coarse_mask[3, 4:9] = 1
    _, scores = draw_boxes(
        detected((60, 20, 80, 40, 0.81), (16, 8, 40, 20, 0.64), (0, 0, 80, 40, 0.16)), coarse_mask, (40, 80)
    )
    # the second holds all five pixels: √(5 · 0.64 / 8)
    assert scores.tolist() == pytest.approx([0.4**0.5])


def test_without_detections_or_marked_pixels_there_are_no_boxes():
    for detections, coarse_mask in (
        (NOTHING, np.ones((10, 20))),
        (detected((0, 0, 80, 40, 0.9)), np.full((10, 20), 0.2)),
    ):
        boxes, scores = draw_boxes(detections, coarse_mask.astype(np.float32), (40, 80))
        assert boxes.shape == (0, 4)
        assert scores.shape == (0,)


def test_a_crack_is_split_where_that_leaves_out_road_and_the_last_coarse_pixel_ends_with_the_picture():
    coarse_mask = np.eye(11, 75, dtype=np.float32)
    coarse_mask[10, 10:] = 1
    boxes, scores = draw_boxes(detected((0, 0, 298, 42, 1)), coarse_mask, (42, 298))
    assert [24, 40, 298, 42] not in boxes.tolist()
    assert len(boxes) > 1
    assert scores.tolist() == [1] * len(boxes)
    assert boxes[:, 2].max() == 298
    assert boxes[:, 3].max() == 42


@given(st.integers(0, 2**32 - 1))
def test_boxes_hold_every_marked_pixel_in_a_detection_best_first(seed):
    draw = np.random.default_rng(seed)
    coarse_mask = (draw.random((12, 18)) ** 4).astype(np.float32)
    x1, y1 = draw.uniform(0, 40, (2, 3))
    corners = np.stack([x1, y1, x1 + 15, y1 + 7], axis=1).astype(np.float32)
    detections = Detections(corners, np.array([0.9, 0.5, 0.2], np.float32))
    boxes, scores = draw_boxes(detections, coarse_mask, (48, 72))
    assert (np.diff(scores) <= 0).all()
    inside = np.zeros((48, 72), bool)
    for left, top, right, bottom in boxes.astype(int):
        inside[top:bottom, left:right] = True
    for row, column in zip(*np.nonzero(coarse_mask >= 0.3), strict=True):
        top, left = 4 * row, 4 * column
        touched = (
            (detections[0][:, 0] < left + 4)
            & (detections[0][:, 2] > left)
            & (detections[0][:, 1] < top + 4)
            & (detections[0][:, 3] > top)
        ).any()
        if touched:
            assert inside[top : top + 4, left : left + 4].all()


def test_tiles_that_begin_with_a_coarse_pixel_are_put_side_by_side():
    left, right = np.full((5, 6), 0.25, np.float32), np.full((5, 6), 0.75, np.float32)
    parts = [
        (Tile((0, 0, 24, 20), (0, 0, 20, 20)), left),
        (Tile((16, 0, 40, 20), (20, 0, 40, 20)), right),
    ]
    whole = join_coarse_masks(parts, (20, 40), 4)
    assert whole[0].tolist() == [0.25] * 5 + [0.75] * 5
    assert (whole == whole[0]).all()


@given(st.integers(0, 7), st.integers(0, 37), st.integers(0, 15))
def test_no_marked_pixel_is_lost_where_a_tile_begins_inside_a_coarse_pixel(start, column, row):
    """Two tiles over 40 px, the second from any px on: the coarse pixel of the frame with the mark is marked."""
    mark = np.zeros((16, 40), np.float32)
    mark[row, column] = 1
    border = start + 10
    tiles = [Tile((0, 0, 24, 16), (0, 0, border, 16)), Tile((start + 2, 0, 40, 16), (border, 0, 40, 16))]
    parts = []
    for tile in tiles:
        part = mark[:, tile.frame[0] : tile.frame[2]]
        part = np.pad(part, ((0, 0), (0, -part.shape[1] % 4)))
        parts.append((tile, part.reshape(4, 4, -1, 4).max(axis=(1, 3))))
    assert join_coarse_masks(parts, (16, 40), 4)[row // 4, column // 4] == 1
