"""What a run looks like: the paper's Figure 2 and close-ups of mistakes as arrays, curves as SVG.

Pictures are ``(H, W, 3)`` uint8 RGB. Boxes are ``(N, 4)`` xyxy px, half-open, ``(0, 4)`` when there are none; fractions
of a pixel are rounded outwards and boxes clipped to the frame. Scores are ``(N,)``, 0–1.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from pipeline.arrays import Image, Mask, round_outwards, union_mask
from pipeline.datasets.base import Sample

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

    Without scores the outlines are wider: such a picture is seen as a thumbnail.
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
    drawing = PillowImage.fromarray(canvas)
    pen = ImageDraw.Draw(drawing)
    font = ImageFont.load_default(size=max(11.0, min(drawing.size) / 46))
    for (x1, y1, _, _), score in zip(corners.tolist(), np.asarray(scores).reshape(-1).tolist(), strict=True):
        text = f"{score:.0%}"
        _, _, wide, tall = pen.textbbox((0, 0), text, font=font)
        left, top = min(x1, drawing.width - wide - 6), max(y1 - tall - 4, 0)
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
    return {
        "input": sample.image,
        "boxes": draw_boxes(sample.image, boxes, scores),
        "confidence": heat_map(sample.image, boxes, scores),
        "truth": mask_picture(sample.mask),
        "outcome": outcome_map(boxes, sample.mask),
        "predicted": mask_picture(predicted_mask),
    }


@dataclass(frozen=True)
class ReviewCut:
    """A close-up of one mistake: the bare photograph on the left, the same marked on the right.

    Attributes:
        name: of the sample.
        kind: ``"missed"`` (crack outside every box) or ``"false"`` (box without crack).
        weight: how bad: missed pixels, or the false box's score.
        picture: ``(240, 484, 3)``: false boxes red, other boxes yellow, missed pixels blue.
    """

    name: str
    kind: Literal["missed", "false"]
    weight: float
    picture: Image


def review_cuts(sample: Sample, boxes: ArrayLike, scores: ArrayLike) -> list[ReviewCut]:
    """A close-up of every false box and of every missed stretch of crack (pixels up to 4 px apart are one stretch)."""
    size = (sample.mask.shape[0], sample.mask.shape[1])
    corners, hit = round_outwards(np.asarray(boxes), size), holds_crack(boxes, sample.mask)
    missed = sample.mask & ~union_mask(corners, size)
    places: list[tuple[Literal["missed", "false"], float, NDArray[np.int64]]]
    places = [("false", score, box) for score, box in zip(np.asarray(scores)[~hit], corners[~hit], strict=True)]
    grown = cv2.dilate(missed.astype(np.uint8), np.ones((5, 5), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(grown)
    for label, (x, y, wide, tall, _area) in enumerate(stats[1:].tolist(), start=1):
        places.append(("missed", (missed & (labels == label)).sum(), np.array([x, y, x + wide, y + tall])))
    cuts = []
    for kind, weight, box in places:
        marks = [*((other, "box") for other in corners[hit]), *((other, "fp") for other in corners[~hit])]
        cuts.append(ReviewCut(sample.name, kind, float(weight), _close_up(sample.image, box, marks, missed)))
    return cuts


def _close_up(image: Image, box: NDArray[np.int64], marks: list[tuple[NDArray[np.int64], str]], missed: Mask) -> Image:
    height, width = missed.shape
    side = int(min(max(96, box[2] - box[0] + 32, box[3] - box[1] + 32), height, width))
    left = int(np.clip((box[0] + box[2] - side) // 2, 0, width - side))
    top = int(np.clip((box[1] + box[3] - side) // 2, 0, height - side))
    window = np.s_[top : top + side, left : left + side]
    bare = np.asarray(cv2.resize(image[window], (240, 240), interpolation=cv2.INTER_CUBIC), np.uint8)
    marked, factor = bare.copy(), 240 / side
    blue = cv2.resize(missed[window].astype(np.uint8), (240, 240), interpolation=cv2.INTER_NEAREST) > 0
    marked[blue] = PALETTE["missed"]
    for other, colour in marks:
        outline(marked, np.rint((other - [left, top, left, top]) * factor).astype(np.int64), PALETTE[colour], 2)
    return np.concatenate([bare, np.full((240, 4, 3), 255, np.uint8), marked], axis=1)


def training_curve(detector: pd.DataFrame | None, segmenter: pd.DataFrame | None) -> bytes:
    """Loss (above) and validation figures (below) over the epochs of both networks, as SVG.

    Args:
        detector: history of stage 1: ``epoch, loss, val_…, best``; of the validation figures, shares are drawn.
        segmenter: the same of stage 2. None where a network was not trained.
    """
    figure = Figure(figsize=(5.4, 4.3), layout="constrained")
    axes = figure.subplots(2, 2, sharex="col")
    for (losses, shares), title, history in zip(axes.T, ("Detector", "Segmenter"), (detector, segmenter), strict=True):
        losses.set_title(title)
        shares.set_xlabel("epoch")
        if history is None or history.empty:
            losses.text(0.5, 0.5, "not trained in this run", ha="center", color=_SOFT, transform=losses.transAxes)
            continue
        judged = [name for name in history if str(name).startswith("val_") and name != "val_loss"]
        judged = [name for name in judged if history[name].dropna().between(0, 1).all()][:4]
        for panel, names in ((losses, ["loss", "val_loss"]), (shares, judged)):
            for number, name in enumerate(name for name in names if name in history):
                _line(panel, history["epoch"], history[name], number, str(name).removeprefix("val_"))
            for epoch in history.loc[history["best"].astype(bool), "epoch"]:
                panel.axvline(epoch, color=_SOFT, linewidth=1.4, linestyle=":", label=f"best: {epoch:.0f}")
            panel.legend()
    axes[0, 0].set_ylabel("loss")
    axes[1, 0].set_ylabel("on validation")
    return _svg(figure, "Training curves of detector and segmenter")


def threshold_curve(curve: pd.DataFrame, chosen: float | None, paper: Mapping[str, Any]) -> bytes:
    """Precision and data reduction (above) and segmentation error (below) over the score threshold, as SVG.

    Args:
        curve: of `pipeline.metrics.region_curve`; where it has a column ``part``, ``val`` is drawn faint.
        chosen: threshold of the run: a vertical line.
        paper: ``precision, segmentation_error, data_reduction``: diamonds at the paper's threshold of 0.5.
    """
    figure = Figure(figsize=(5.4, 4.3), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    parts = curve["part"] if "part" in curve else pd.Series("test", index=curve.index)
    key: list[Any] = []
    for axes, number, name in ((upper, 0, "precision"), (upper, 1, "data_reduction"), (lower, 2, "segmentation_error")):
        for part in ("val", "test"):
            rows = curve[parts == part]
            line = _line(axes, rows["score_threshold"], 100 * rows[name], number, name, faint=part == "val")
        diamond = {"color": _LINES[number], "markerfacecolor": "none", "markeredgewidth": 1.6, "label": "paper, at 0.5"}
        key += [line, *axes.plot([0.5], [100 * paper[name]], "D", **diamond)]
        axes.set_ylabel("%")
    key = [*key[::2], key[1]]  # one diamond stands for all three
    if chosen is not None and np.isfinite(chosen):
        rules = [axes.axvline(chosen, color=_SOFT, linewidth=1.4, linestyle=":") for axes in (upper, lower)]
        rules[0].set_label(f"chosen: {chosen:.2f}")
        key.append(rules[0])
    if (parts == "val").any():
        key.append(Line2D([], [], color=_SOFT, linewidth=0.9, label="thin: validation"))
    figure.legend(handles=key, loc="outside upper center", ncols=3)
    highest = curve.loc[curve["score_threshold"] <= max(0.5, chosen or 0.0), "segmentation_error"].max()
    lower.set_ylim(0, np.nanmax([5.0, 120 * highest]))  # beyond the chosen threshold the error only rises to 100 %
    upper.set_ylim(top=101)
    lower.set(xlim=(0, 1), xlabel="score threshold of the detector")
    return _svg(figure, "Precision, data reduction and segmentation error over the score threshold")


# Stand-ins that `_svg` turns into the style's variables, so that a curve follows light and dark.
_INK, _SOFT, _RULE, *_LINES = (f"#0{n}0{n}0{n}" for n in range(1, 8))
_VARIABLES = ("ink", "soft", "rule", "l0", "l1", "l2", "l3")
_LIGHT = ("#1d2328", "#66707a", "#dcdad4", "#0068a8", "#00805a", "#c44f06", "#8a4f9e")
_DARK = ("#e6e4de", "#98a2ab", "#343b42", "#62b5ee", "#3fca98", "#ff9a57", "#d19ae6")


def _line(axes: Axes, x: pd.Series, y: pd.Series, number: int, name: str, faint: bool = False) -> Line2D:
    dashes = ((1, 0), (5, 1.5), (1.5, 1), (5, 1, 1, 1))[number]  # told apart without colour too
    known, (width, alpha) = y.notna(), (0.9, 0.6) if faint else (1.8, 1.0)
    (line,) = axes.plot(x[known], y[known], color=_LINES[number], dashes=dashes, linewidth=width, alpha=alpha)
    line.set_label(name.replace("_", " "))
    return line


def _svg(figure: Figure, title: str) -> bytes:
    for axes in figure.axes:
        axes.grid(color=_RULE, linewidth=0.7)
        axes.spines[:].set_visible(False)
        axes.tick_params(colors=_SOFT, length=0)
        for text in (axes.xaxis.label, axes.yaxis.label, axes.title):
            text.set_color(_INK)
    for legend in [*figure.legends, *(axes.get_legend() for axes in figure.axes)]:
        if legend:
            legend.set(frame_on=False)
            for text in legend.get_texts():
                text.set_color(_INK)
    target = io.BytesIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": title}):
        figure.savefig(target, format="svg", transparent=True, metadata={"Date": None})
    drawn = target.getvalue().decode()
    light, dark = (";".join(f"--{v}:{c}" for v, c in zip(_VARIABLES, theme, strict=True)) for theme in (_LIGHT, _DARK))
    style = f".curve{{{light}}}@media screen and (prefers-color-scheme:dark){{.curve{{{dark}}}}}"
    style += ".curve text{font-family:system-ui,sans-serif!important}"
    box = re.search(r'viewBox="[^"]*"', drawn)
    opening = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" class="curve" role="img"'
    body = drawn[drawn.index("<defs>") :]  # what comes before is metadata and a style for the whole page
    body = re.sub(r' id="[a-zA-Z0-9_.]+_[0-9]+"|<style.*?</style>', "", body, flags=re.DOTALL)
    for stand_in, name in zip((_INK, _SOFT, _RULE, *_LINES), _VARIABLES, strict=True):
        body = body.replace(stand_in, f"var(--{name})")
    head = f"<svg {opening} {box[0] if box else ''}><title>{title}</title><style>{style}</style>"
    return re.sub(r"\s*\n\s*", " ", head + body).encode()
