"""What a run looks like: the paper's Figure 2 as arrays.

Pictures are ``(H, W, 3)`` uint8 RGB. Boxes are ``(N, 4)`` xyxy px, half-open, ``(0, 4)`` when there are none; fractions
of a pixel are rounded outwards and boxes clipped to the frame. Scores are ``(N,)``, 0–1.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from pipeline.arrays import Image, Mask, round_outwards, union_mask
from pipeline.datasets.base import Sample
from pipeline.metrics import judged_boxes

Colour = tuple[int, int, int]

PALETTE: dict[str, Colour] = {
    "box": (255, 190, 30),
    "sure": (84, 226, 106),
    "likely": (24, 128, 62),
    "weak": (96, 130, 196),
    "none": (38, 62, 140),
    "tp": (56, 190, 108),
    "fp": (235, 72, 62),
    "missed": (84, 162, 255),
    "found": (250, 246, 232),
    "ground": (20, 24, 29),
}
"""RGB of everything drawn; the report's legend reads them from here."""

MISSED_GROWTH_PX = 2
"""Missed crack pixels are drawn this much thicker on every side: one pixel alone could not be seen."""


LARGEST_LABEL_PX = 16.0
"""Of type, on however large a picture: boxes are no larger there, and hidden behind their own scores."""


def display_scale(shape: tuple[int, ...]) -> int:
    """Whole factor by which a picture of ``(H, W, …)`` grows before lines are drawn on it: 2 below 800 px, else 1."""
    return 2 if max(shape[:2]) < 800 else 1


def holds_crack(boxes: ArrayLike, mask: Mask) -> NDArray[np.bool_]:
    """Which boxes are true positives, that is, hold at least one pixel of ``mask`` ``(H, W)``: ``(N,)`` bool.

    >>> holds_crack([[0, 0, 2, 2], [2, 2, 4, 4]], np.eye(4, dtype=bool) & (np.arange(4) > 1)).tolist()
    [False, True]
    """
    corners = round_outwards(np.asarray(boxes), (mask.shape[0], mask.shape[1]))
    return np.array([mask[y1:y2, x1:x2].any() for x1, y1, x2, y2 in corners], dtype=np.bool_)


def draw_boxes(image: Image, boxes: ArrayLike, scores: ArrayLike | None) -> Image:
    """The picture, enlarged by `display_scale`, each box outlined and its score in percent above it.

    Of scores that would lie over each other the first alone is written: boxes come best first. Without scores the
    outlines are wider: such a picture is seen as a thumbnail.
    """
    height, width = image.shape[:2]
    scale = display_scale(image.shape)
    canvas = np.asarray(cv2.resize(image, (width * scale, height * scale), interpolation=cv2.INTER_CUBIC), np.uint8)
    corners = round_outwards(np.asarray(boxes), (height, width)) * scale
    line = scale if scores is not None else max(scale, min(canvas.shape[:2]) // 200)
    for box in corners:
        outline(canvas, box, (0, 0, 0), line + 1)
        outline(canvas, box, PALETTE["box"], line)
    if scores is None:
        return canvas
    return _labelled(canvas, corners, [f"{score:.0%}" for score in np.asarray(scores).reshape(-1).tolist()])


def _labelled(canvas: Image, corners: NDArray[np.int64], texts: list[str]) -> Image:
    """Each text above its box ``(4,)``, unless it would lie over one that comes before."""
    drawing = PillowImage.fromarray(canvas)
    pen = ImageDraw.Draw(drawing)
    font = ImageFont.load_default(size=min(max(11.0, min(drawing.size) / 46), LARGEST_LABEL_PX))
    taken = np.zeros(canvas.shape[:2], np.bool_)
    for (x1, y1, _, _), text in zip(corners.tolist(), texts, strict=True):
        _, _, wide, tall = (int(side) for side in pen.textbbox((0, 0), text, font=font))
        left, top = max(min(x1, drawing.width - wide - 6), 0), max(y1 - tall - 4, 0)
        place = slice(top, top + tall + 4), slice(left, left + wide + 6)
        if not taken[place].any():
            taken[place] = True
            pen.rectangle((left, top, left + wide + 5, top + tall + 3), fill=PALETTE["box"])
            pen.text((left + 3, top + 1), text, fill=(0, 0, 0), font=font)
    return np.array(drawing, dtype=np.uint8)


def heat_map(image: Image, boxes: ArrayLike, scores: ArrayLike) -> Image:
    """Confidence as in Figure 2(c), over the dimmed picture: each pixel shows the highest score of the boxes over it.

    Green above 99 %, darker green from 50 to 99 %, blue where there is nothing. Boxes kept below 50 %, which the paper
    cannot have, are a paler blue.
    """
    tint = np.empty(image.shape, dtype=np.float32)
    tint[:] = PALETTE["none"]
    values = np.asarray(scores, dtype=np.float64).reshape(-1)
    corners = round_outwards(np.asarray(boxes), (image.shape[0], image.shape[1]))
    for index in np.argsort(values):  # rising, so that the highest is painted last
        x1, y1, x2, y2 = corners[index]
        level = "sure" if values[index] > 0.99 else "likely" if values[index] >= 0.5 else "weak"
        tint[y1:y2, x1:x2] = PALETTE[level]
    light = 0.5 + 0.5 * cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)[..., None] / 255
    return np.asarray(tint * light).astype(np.uint8)


def mask_picture(mask: Mask) -> Image:
    """A mask ``(H, W)`` as white on black: ``(H, W, 3)``."""
    return np.repeat(np.where(mask, 255, 0).astype(np.uint8)[..., None], 3, axis=2)


def outcome_map(boxes: ArrayLike, mask: Mask) -> Image:
    """Figure 2(e), enlarged by `display_scale`: what the boxes got right and wrong.

    True positive boxes are green, false positive ones red and crossed out (not by colour alone), crack pixels in a box
    pale, crack pixels outside every box blue and `MISSED_GROWTH_PX` thicker than they are.
    """
    size = (mask.shape[0], mask.shape[1])
    corners, hit, scale = round_outwards(np.asarray(boxes), size), holds_crack(boxes, mask), display_scale(size)
    inside = union_mask(corners, size)
    canvas = np.empty((*size, 3), dtype=np.uint8)
    canvas[:] = PALETTE["ground"]
    for kind, chosen in (("fp", ~hit), ("tp", hit)):
        canvas[union_mask(corners[chosen], size)] = 0.36 * np.array(PALETTE[kind]) + 0.64 * np.array(PALETTE["ground"])
    side = 2 * MISSED_GROWTH_PX + 1
    missed = cv2.dilate((mask & ~inside).astype(np.uint8), np.ones((side, side), np.uint8)) > 0
    canvas[missed] = PALETTE["missed"]
    canvas[mask & inside] = PALETTE["found"]
    canvas = canvas.repeat(scale, axis=0).repeat(scale, axis=1)
    for box, good in zip(corners * scale, hit, strict=True):
        outline(canvas, box, PALETTE["tp" if good else "fp"], scale)
        if not good:
            x1, y1, x2, y2 = (int(v) for v in box)
            cv2.line(canvas, (x1, y1), (x2 - 1, y2 - 1), PALETTE["fp"], scale)
            cv2.line(canvas, (x1, y2 - 1), (x2 - 1, y1), PALETTE["fp"], scale)
    return canvas


def outline(canvas: Image, box: NDArray[np.int64], colour: Colour, width: int) -> None:
    """Draw one box ``(4,)`` on ``canvas`` in place, ``width`` px thick and wholly inside its own edges."""
    x1, y1, x2, y2 = (int(v) for v in box)
    for inset in range(min(width, (x2 - x1 + 1) // 2, (y2 - y1 + 1) // 2)):
        cv2.rectangle(canvas, (x1 + inset, y1 + inset), (x2 - 1 - inset, y2 - 1 - inset), colour, 1)


def figure2_rows(sample: Sample, boxes: ArrayLike, scores: ArrayLike, predicted_mask: Mask) -> dict[str, Image]:
    """The five rows of the paper's Figure 2 and the predicted mask, by name, in order (a) to (f)."""
    judged = judged_boxes(np.asarray(boxes), sample.mask, sample.ignore)
    return {
        "input": sample.image,
        "boxes": draw_boxes(sample.image, boxes, scores),
        "confidence": heat_map(sample.image, boxes, scores),
        "truth": mask_picture(sample.mask),
        "outcome": outcome_map(np.asarray(boxes)[judged], sample.mask),
        "predicted": mask_picture(predicted_mask),
    }
