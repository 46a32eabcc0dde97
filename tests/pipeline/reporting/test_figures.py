"""Pictures: what is painted where, on arrays small enough to see through."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.arrays import Image, Mask
from pipeline.datasets.base import Sample
from pipeline.metrics import region_counts
from pipeline.reporting.figures import (
    PALETTE,
    display_scale,
    draw_boxes,
    figure2_rows,
    heat_map,
    holds_crack,
    mask_picture,
    outcome_map,
    outline,
)
from pipeline.reporting.review import MOST_CUTS, Review

NO_BOXES, NO_SCORES = np.zeros((0, 4), np.float32), np.zeros(0, np.float32)


def painted(picture: Image, colour: str) -> Mask:
    return (picture == np.array(PALETTE[colour], np.uint8)).all(axis=2)


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ([], []),
        ([[0, 0, 10, 10]], [False]),  # half-open: ends above row 10
        ([[0, 0, 10, 11]], [True]),
        ([[0, 0, 10, 10.1]], [True]),  # rounded outwards
        ([[-20, 5, 6, 40]], [True]),
        ([[60, 0, 90, 60], [54, 10, 55, 11]], [False, True]),
        ([[200, 200, 300, 300]], [False]),
    ],
)
def test_holds_crack(boxes: list[list[float]], expected: list[bool], mask: Mask) -> None:
    assert holds_crack(np.array(boxes).reshape(-1, 4), mask).tolist() == expected


@given(st.lists(st.tuples(*[st.floats(-10, 130)] * 2, st.floats(1, 60), st.floats(1, 60)), max_size=6))
def test_pictures_agree_with_the_metrics(drawn: list[tuple[float, float, float, float]]) -> None:
    boxes = np.array([[x, y, x + w, y + h] for x, y, w, h in drawn]).reshape(-1, 4)
    mask = np.eye(80, 120, 20, dtype=bool)
    counts = region_counts(boxes, mask)
    assert holds_crack(boxes, mask).sum() == counts.tp
    review = Review()
    review.add(Sample("a", "a", mask_picture(mask), mask), boxes, np.ones(len(boxes)))
    assert review.totals["false"] == counts.fp
    assert (review.totals["missed"] > 0) == (counts.missed_px > 0)
    if review.totals["missed"] <= MOST_CUTS:
        assert sum(cut.weight for cut in review.cuts["missed"]) == counts.missed_px


def test_small_pictures_are_doubled() -> None:
    assert display_scale((320, 480, 3)) == 2
    assert display_scale((640, 1024)) == 1


def test_outline_stays_inside_its_box() -> None:
    canvas = np.zeros((12, 12, 3), np.uint8)
    outline(canvas, np.array([2, 3, 9, 8]), (9, 9, 9), 2)
    inside = np.zeros((12, 12), bool)
    inside[3:8, 2:9] = True
    inside[5:6, 4:7] = False
    assert (canvas.any(axis=2) == inside).all()


@pytest.mark.parametrize("box", [[4, 4, 5, 5], [0, 4, 12, 5], [3, 3, 3, 3]])
def test_outline_of_thin_boxes_paints_nothing_beside_them(box: list[int]) -> None:
    canvas = np.zeros((12, 12, 3), np.uint8)
    outline(canvas, np.array(box), (9, 9, 9), 2)
    x1, y1, x2, y2 = box
    assert canvas[y1:y2, x1:x2].all()
    assert canvas.any(axis=2).sum() == (x2 - x1) * (y2 - y1)


def test_boxes_are_drawn_on_the_doubled_picture(sample: Sample) -> None:
    drawn = draw_boxes(sample.image, [[20, 40, 60, 70]], [0.93])
    assert drawn.shape == (160, 240, 3)
    assert painted(drawn, "box")[80:82, 40:120].all()
    assert painted(drawn, "box")[60:80].any(), "the label stands above its box"
    assert not painted(draw_boxes(sample.image, NO_BOXES, NO_SCORES), "box").any()


def test_boxes_without_scores_are_outlines_alone(sample: Sample) -> None:
    drawn = painted(draw_boxes(sample.image, [[20, 40, 60, 70]], None), "box")
    scale = drawn.shape[0] // sample.image.shape[0]
    assert drawn.any()
    assert not drawn[: 38 * scale].any(), "no label above it"
    assert not painted(draw_boxes(sample.image, NO_BOXES, None), "box").any()


def test_labels_stay_on_the_picture(sample: Sample) -> None:
    assert draw_boxes(sample.image, [[110, 0, 120, 9], [-5, 70, 300, 90]], [1.0, 0.2]).shape == (160, 240, 3)


def test_labels_of_a_large_picture_do_not_hide_its_boxes() -> None:
    boxes = [[500, 500 + 40 * row, 540, 540 + 40 * row] for row in range(5)]  # along a crack
    drawn = draw_boxes(np.zeros((1500, 2000, 3), np.uint8), boxes, [0.9] * 5)
    inside = painted(drawn, "box")[500:700, 500:540]
    assert inside.mean() < 0.5


def test_a_label_never_lies_over_that_of_a_better_box(sample: Sample) -> None:
    best, worse = [20, 40, 60, 70], [22, 43, 62, 70]
    both, alone = (draw_boxes(sample.image, boxes, [0.93, 0.4][: len(boxes)]) for boxes in ([best, worse], [best]))
    above = slice(0, 2 * 40)
    np.testing.assert_array_equal(both[above], alone[above])


def test_scores_must_match_boxes(sample: Sample) -> None:
    with pytest.raises(ValueError, match="zip"):
        draw_boxes(sample.image, [[0, 0, 9, 9]], [])


def test_heat_map_paints_the_levels_of_the_paper() -> None:
    white = np.full((40, 40, 3), 255, np.uint8)
    boxes = [[0, 0, 10, 10], [5, 0, 20, 10], [20, 0, 30, 10], [30, 0, 40, 10]]
    heat = heat_map(white, boxes, [0.995, 0.99, 0.5, 0.49])
    levels = {
        x: [name for name in ("sure", "likely", "weak", "none") if painted(heat, name)[5, x]]
        for x in (2, 7, 15, 25, 35)
    }
    assert levels == {2: ["sure"], 7: ["sure"], 15: ["likely"], 25: ["likely"], 35: ["weak"]}
    assert painted(heat, "none")[10:].all()
    assert painted(heat_map(white, NO_BOXES, NO_SCORES), "none").all()


def test_mask_picture() -> None:
    assert mask_picture(np.array([[True, False]])).tolist() == [[[255] * 3, [0] * 3]]


def test_outcome_map_tells_hits_false_boxes_and_misses_apart(mask: Mask) -> None:
    outcome = outcome_map([[0, 5, 30, 20], [70, 40, 100, 70]], mask)
    assert outcome.shape == (160, 240, 3)
    assert painted(outcome, "tp")[10:40, 0].all()
    fp = painted(outcome, "fp")
    assert fp[80:140, 140].all()
    assert fp[110, 170] or fp[109, 169], "crossed out"
    assert painted(outcome, "found")[20:22, 10:60].sum() == 2 * 50 - 2 * 2, "all but the green outline"
    missed = painted(outcome, "missed")
    assert missed[20, 60:110].all()
    assert missed[16:26, 80].all(), "two pixels thicker on every side"
    assert not missed[:15].any()
    assert not missed[27:].any()


def test_outcome_map_without_boxes_or_crack(mask: Mask) -> None:
    nothing = outcome_map(NO_BOXES, np.zeros_like(mask))
    assert painted(nothing, "ground").all()
    assert painted(outcome_map(NO_BOXES, mask), "missed").any()
    assert painted(outcome_map([[0, 0, 9, 9]], np.zeros_like(mask)), "fp").any()


def test_figure2_has_its_rows_in_order(sample: Sample) -> None:
    rows = figure2_rows(sample, NO_BOXES, NO_SCORES, sample.mask)
    assert list(rows) == ["input", "boxes", "confidence", "truth", "outcome", "predicted"]
    assert all(picture.dtype == np.uint8 and picture.shape[2] == 3 for picture in rows.values())
    assert (rows["truth"] == rows["predicted"]).all()
    assert not np.shares_memory(rows["boxes"], sample.image)
