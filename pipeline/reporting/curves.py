"""Curves over epochs and thresholds, as SVG: each drawn for a light page and for a dark one."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D


class Curve(NamedTuple):
    """One drawing.

    Attributes:
        title: what it shows, for those who cannot see it.
        light: SVG for a light page.
        dark: the same for a dark one.
    """

    title: str
    light: bytes
    dark: bytes


class Theme(NamedTuple):
    """Colours of a page: of text, of what stands back, of rules, and of up to four lines."""

    ink: str
    soft: str
    rule: str
    lines: tuple[str, str, str, str]


LIGHT = Theme("#1d2328", "#66707a", "#dcdad4", ("#0068a8", "#00805a", "#c44f06", "#8a4f9e"))
DARK = Theme("#e6e4de", "#98a2ab", "#343b42", ("#62b5ee", "#3fca98", "#ff9a57", "#d19ae6"))


def training_curve(detector: pd.DataFrame | None, segmenter: pd.DataFrame | None) -> Curve:
    """Loss (above) and validation figures (below) over the epochs of both networks.

    Args:
        detector: history of stage 1: ``epoch, loss, val_…, best``; of the validation figures, shares are drawn.
        segmenter: the same of stage 2. None where a network was not trained.
    """

    def draw(theme: Theme) -> Figure:
        figure = Figure(figsize=(5.4, 4.3), layout="constrained")
        axes = figure.subplots(2, 2, sharex="col")
        for pair, title, history in zip(axes.T, ("Detector", "Segmenter"), (detector, segmenter), strict=True):
            _draw_history(pair, title, history, theme)
        axes[0, 0].set_ylabel("loss")
        axes[1, 0].set_ylabel("on validation")
        return figure

    return _drawn_twice("Training curves of detector and segmenter", draw)


def threshold_curve(curve: pd.DataFrame, chosen: float | None, paper: Mapping[str, Any]) -> Curve:
    """Precision and data reduction (above) and segmentation error (below) over the score threshold.

    Args:
        curve: of `pipeline.metrics.region_curve`; where it has a column ``part``, ``val`` is drawn faint.
        chosen: threshold of the run: a vertical line.
        paper: ``precision, segmentation_error, data_reduction``: diamonds at the paper's threshold of 0.5,
            where they are not None.
    """

    def draw(theme: Theme) -> Figure:
        figure = Figure(figsize=(5.4, 4.3), layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
        key = _draw_thresholds(upper, lower, curve, paper, theme)
        if chosen is not None and np.isfinite(chosen):
            rules = [_rule(axes, chosen, f"chosen: {chosen:.2f}", theme) for axes in (upper, lower)]
            key.append(rules[0])
        if "part" in curve and (curve["part"] == "val").any():
            key.append(Line2D([], [], color=theme.soft, linewidth=0.9, label="thin: validation"))
        figure.legend(handles=key, loc="outside upper center", ncols=3)
        highest = curve.loc[curve["score_threshold"] <= max(0.5, chosen or 0.0), "segmentation_error"].max()
        lower.set_ylim(0, np.nanmax([5.0, 120 * highest]))  # beyond the chosen threshold the error only rises to 100 %
        upper.set_ylim(top=101)
        lower.set(xlim=(0, 1), xlabel="score threshold of the detector")
        return figure

    return _drawn_twice("Precision, data reduction and segmentation error over the score threshold", draw)


def _draw_history(pair: tuple[Axes, Axes], title: str, history: pd.DataFrame | None, theme: Theme) -> None:
    losses, shares = pair
    losses.set_title(title)
    shares.set_xlabel("epoch")
    if history is None or history.empty:
        losses.text(0.5, 0.5, "not trained in this run", ha="center", color=theme.soft, transform=losses.transAxes)
        return
    judged = [str(name) for name in history if str(name).startswith("val_") and name != "val_loss"]
    judged = [name for name in judged if history[name].dropna().between(0, 1).all()][:4]
    for panel, names in ((losses, ["loss", "val_loss"]), (shares, judged)):
        for number, name in enumerate(name for name in names if name in history):
            _line(panel, history["epoch"], history[name], number, name.removeprefix("val_"), theme)
        for epoch in history.loc[history["best"].astype(bool), "epoch"]:
            _rule(panel, epoch, f"best: {epoch:.0f}", theme)
        panel.legend()


def _draw_thresholds(
    upper: Axes, lower: Axes, curve: pd.DataFrame, paper: Mapping[str, Any], theme: Theme
) -> list[Line2D]:
    """Draw the three figures, and the paper's; gives what the key names."""
    parts = curve["part"] if "part" in curve else pd.Series("test", index=curve.index)
    lines, diamonds = [], []
    for axes, number, name in ((upper, 0, "precision"), (upper, 1, "data_reduction"), (lower, 2, "segmentation_error")):
        for part in ("val", "test"):
            rows = curve[parts == part]
            line = _line(axes, rows["score_threshold"], 100 * rows[name], number, name, theme, faint=part == "val")
        lines.append(line)
        look: Any = {"color": theme.lines[number], "markerfacecolor": "none", "markeredgewidth": 1.6}
        if paper[name] is not None:
            diamonds += axes.plot([0.5], [100 * paper[name]], "D", label="paper, at 0.5", **look)
        axes.set_ylabel("%")
    return [*lines, *diamonds[:1]]  # one diamond stands for all three


def _line(axes: Axes, x: pd.Series, y: pd.Series, number: int, name: str, theme: Theme, faint: bool = False) -> Line2D:
    dashes = ((1, 0), (5, 1.5), (1.5, 1), (5, 1, 1, 1))[number]  # told apart without colour too
    known, (width, alpha) = y.notna(), (0.9, 0.6) if faint else (1.8, 1.0)
    (line,) = axes.plot(x[known], y[known], color=theme.lines[number], dashes=dashes, linewidth=width, alpha=alpha)
    line.set_marker("o" if known.sum() == 1 else "")  # a line of one point, as of one validation, is not seen
    line.set_label(name.replace("_", " "))
    return line


def _rule(axes: Axes, x: float, label: str, theme: Theme) -> Line2D:
    return axes.axvline(x, color=theme.soft, linewidth=1.4, linestyle=":", label=label)


def _drawn_twice(title: str, draw: Callable[[Theme], Figure]) -> Curve:
    return Curve(title, *(_svg(draw, theme, title) for theme in (LIGHT, DARK)))


def _svg(draw: Callable[[Theme], Figure], theme: Theme, title: str) -> bytes:
    style: Any = {
        "svg.fonttype": "none",  # text stays text
        "svg.hashsalt": title,  # and the same curve gives the same file
        **dict.fromkeys(["text.color", "axes.labelcolor", "axes.titlecolor", "legend.labelcolor"], theme.ink),
        **dict.fromkeys(["xtick.color", "ytick.color"], theme.soft),
        **dict.fromkeys(["xtick.major.size", "ytick.major.size"], 0),
        **{f"axes.spines.{side}": False for side in ("left", "right", "top", "bottom")},
        **{"axes.grid": True, "grid.color": theme.rule, "grid.linewidth": 0.7, "legend.frameon": False},
    }
    target = io.BytesIO()
    with mpl.rc_context(style):
        drawn = draw(theme)
        drawn.savefig(
            target, format="svg", transparent=True, metadata=dict.fromkeys(["Date", "Creator", "Format", "Type"])
        )
    return target.getvalue()
