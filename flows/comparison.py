"""A run's figures beside the paper's, as text: one table for the terminal and for the Prefect UI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

HEADINGS = ("this run", "full frame", "paper")


class Line(NamedTuple):
    """One figure: what it is, what this run reached, what the full frame gives, and what the paper did."""

    figure: str
    ours: str
    full_frame: str
    paper: str


# Column of the `runs` table, what a person calls it, and its unit: % for shares, ms, or none.
FIGURES = (
    ("precision", "precision of boxes", "%"),
    ("segmentation_error", "segmentation error Es", "%"),
    ("data_reduction", "data reduction", "%"),
    ("segmented_share", "share that stage 2 looks at", "%"),
    ("strict_precision", "strict precision of boxes", "%"),
    ("ap50", "AP50", "%"),
    ("score_threshold", "score threshold", ""),
    ("boxes_per_image", "boxes a picture", ""),
    ("boxes_per_clean_image", "boxes a picture without cracks", ""),
    ("oracle_data_reduction", "data reduction of the labels", "%"),
    ("f1_2px", "F1 at 2 px", "%"),
    ("f1_2px_mean", "F1 at 2 px, mean over pictures", "%"),
    ("f1_0px", "F1 at 0 px", "%"),
    ("iou_0px", "IoU at 0 px", "%"),
    ("detect_ms", "time to detect", "ms"),
    ("segment_ms", "time to segment the crops", "ms"),
    ("cascade_ms", "time of both stages", "ms"),
)
FULL_FRAME = {
    "cascade_ms": "full_frame_ms",
    **{key: f"full_frame_{key}" for key in ("f1_2px", "f1_2px_mean", "f1_0px", "iou_0px")},
}


def headings(paper: Mapping[str, Any]) -> tuple[str, ...]:
    """Headings of a line's values: without the paper where it has no figure, as for any data set but its own."""
    known = any(paper.get(column) is not None for column, _, _ in FIGURES)
    return HEADINGS if known else HEADINGS[:-1]


def compare(metrics: Mapping[str, Any], paper: Mapping[str, Any]) -> list[Line]:
    """Lines of the table; what is not known is ``–``, and a line that would tell nothing else is left out.

    >>> compare({"precision": 0.981}, {"precision": 0.9892})[0]
    Line(figure='precision of boxes', ours='98.10 %', full_frame='–', paper='98.92 %')
    """
    lines = [
        Line(
            name,
            show(metrics.get(column), unit),
            show(metrics.get(FULL_FRAME.get(column, "")), unit),
            show(paper.get(column), unit),
        )
        for column, name, unit in FIGURES
    ]
    return [line for line in lines if {*line[1:]} != {"–"}]


def show(value: Any, unit: str) -> str:
    """A figure as a person reads it.

    >>> show(0.0122, "%"), show(53.13, "ms"), show(11472.3, "ms"), show(0.5, ""), show(float("nan"), "%")
    ('1.22 %', '53.1 ms', '11.5 s', '0.5', '–')
    """
    if not isinstance(value, int | float) or value != value:
        return "–"
    if unit == "%":
        return f"{100 * value:.2f} %"
    if unit == "ms":
        return f"{value:.1f} ms" if value < 10_000 else f"{value / 1000:.1f} s"
    return f"{value:.3g}"
