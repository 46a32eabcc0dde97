"""One run as one self-contained HTML page: figures beside the paper's, pictures, mistakes, settings.

The page loads nothing: styles, script, pictures and curves lie in it, and its content security policy lets no other
script run. What is shown comes from a row of `runs` and from `images`; whatever is missing there reads "–".
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image as PillowImage

from pipeline.arrays import Image
from pipeline.reporting.curves import Curve
from pipeline.reporting.figures import MISSED_GROWTH_PX, PALETTE
from pipeline.reporting.pages import data_uri, finite, page_environment
from pipeline.reporting.review import Review
from pipeline.storage.atomic import write_whole

DATASETS = {"sample": "Generated sample", "crackforest": "CrackForest", "deepcrack": "DeepCrack", "dnit": "DNIT"}

_VERDICT = (
    ("Precision", "precision", 1),
    ("Segmentation error", "segmentation_error", -1),
    ("Data reduction", "data_reduction", 1),
)  # name, column, +1 where higher is better

_COLUMNS = (
    *(("Picture", "name", "text"), ("Boxes", "boxes", "whole"), ("True", "tp", "whole"), ("False", "fp", "whole")),
    *(("Crack px", "crack_px", "whole"), ("Missed px", "missed_px", "whole"), ("Error", "error", "percent")),
    *(("Reduction", "reduction", "percent"), ("F1, 2 px", "f1_2px", "percent")),
    *(("Full-frame F1, 2 px", "full_frame_f1_2px", "percent"), ("IoU", "iou_0px", "percent")),
    *(("Cascade ms", "cascade_ms", "ms"), ("Full frame ms", "full_frame_ms", "ms")),
)  # heading, column, format

_SET_COLUMNS = (
    *(("Pictures", "images", "whole"), ("Boxes a picture", "boxes_per_image", "ms")),
    *(("Precision", "precision", "percent"), ("Error", "segmentation_error", "percent")),
    *(("Reduction", "data_reduction", "percent"),),
    *(("F1, 2 px", "f1_2px", "percent"), ("Full-frame F1, 2 px", "full_frame_f1_2px", "percent")),
    *(("Cascade ms", "cascade_ms", "ms"), ("Full frame ms", "full_frame_ms", "ms")),
)  # heading, column, format


@dataclass(frozen=True)
class ReportInput:
    """What a report is made of.

    Attributes:
        run: a row of `runs`; columns may be missing.
        paper: the paper's figures by the same names, `pipeline.storage.records.PAPER`.
        images: rows of `images`; columns may be missing.
        figures: names of pictures and their views, of `pipeline.reporting.figures.figure2_rows`.
        curves: heading → drawing.
        review: close-ups of the worst mistakes; None where nobody looked.
        sets: figures of each data set of a pool by itself, its name in ``set``; no rows where there is one only.
    """

    run: Mapping[str, Any]
    paper: Mapping[str, Any]
    images: pd.DataFrame
    figures: Sequence[tuple[str, Mapping[str, Image]]] = ()
    curves: Mapping[str, Curve] = field(default_factory=dict)
    review: Review | None = None
    sets: pd.DataFrame = field(default_factory=pd.DataFrame)


def render_report(report: ReportInput) -> str:
    """The page as HTML text; every name and setting is escaped."""
    images = rank_worst_first(report.images)
    rank = {name: place for place, name in enumerate(images["name"])}
    figures = sorted(report.figures, key=lambda figure: rank.get(figure[0], len(rank)))
    rows = _rows(images)
    environment = page_environment()
    environment.filters |= {"uri": picture_uri, "svg": svg_uri, "json": _pretty_json}
    formats = {name: environment.filters[name] for name in ("percent", "ms", "whole", "text")}
    review = report.review or Review()
    return environment.get_template("report_template.html").render(
        run=_Row(report.run),
        paper=_Row(report.paper),
        dataset=DATASETS.get(str(report.run.get("dataset")), report.run.get("dataset")),
        verdict=[compare_with_paper(report, *which) for which in _VERDICT],
        figures=[(place, name, views, rows[rank[name]] if name in rank else _Row())
                 for place, (name, views) in enumerate(figures, start=1)],
        curves=report.curves,
        cuts=review.cuts,
        cut_totals=review.totals,
        reviewed=report.review is not None,
        set_columns=_SET_COLUMNS,
        sets=_rows(report.sets),
        mean_of_sets=_rows(report.sets.mean(numeric_only=True).to_frame().T)[0],
        columns=_COLUMNS,
        formats=formats,
        rows=rows,
        places={name: place for place, (name, _) in enumerate(figures, start=1)},
        palette={key: f"#{bytes(colour).hex()}" for key, colour in PALETTE.items()},
        growth=MISSED_GROWTH_PX,
    )  # fmt: skip


def write_report(path: Path, report: ReportInput) -> Path:
    """Write the page to `path`, whole or not at all.

    Raises:
        DataError: the page cannot be written there.
    """
    page = render_report(report)
    return write_whole(path, lambda temporary: temporary.write_text(page, encoding="utf-8"))


def rank_worst_first(images: pd.DataFrame) -> pd.DataFrame:
    """Rows of `images`, those first whose boxes failed most, with the shares ``error`` and ``reduction`` added.

    Bad is the share of crack pixels outside every box plus the share of boxes without crack; among equals the lowest
    F1 at 2 px comes first.
    """
    names = ("missed_px", "crack_px", "fp", "boxes", "union_px", "frame_px", "height_px", "width_px", "f1_2px")
    columns = {name: _reals(images, name) for name in names}
    judged = columns["frame_px"].fillna(columns["height_px"] * columns["width_px"])
    frame = images.assign(
        error=(columns["missed_px"] / columns["crack_px"].clip(lower=1)),
        reduction=1 - columns["union_px"] / judged.clip(lower=1),
    )
    badness = frame["error"].fillna(0) + (columns["fp"] / columns["boxes"].clip(lower=1)).fillna(0)
    keys = pd.DataFrame({"badness": -badness.to_numpy(), "f1": columns["f1_2px"].to_numpy()})
    frame = frame.iloc[keys.sort_values(["badness", "f1"], kind="stable").index]
    return frame if "name" in frame else frame.assign(name="")


@dataclass(frozen=True)
class Comparison:
    """One of our figures beside the paper's; shares 0–1, None where missing.

    `mark` is ``better``, ``worse``, ``equal`` (to the two digits shown) or ``unknown``; `certain` is False where the
    95 % interval holds the paper's figure; `at` places ours, paper, low and high on a scale, 0–100.
    """

    name: str
    ours: float | None
    theirs: float | None
    low: float | None
    high: float | None
    mark: str
    certain: bool
    at: dict[str, float]


def compare_with_paper(report: ReportInput, name: str, column: str, sign: int) -> Comparison:
    """Hold our ``column`` against the paper's; ``sign`` is +1 where higher is better, −1 where lower is."""
    ours, theirs = finite(report.run.get(column)), finite(report.paper.get(column))
    low, high = finite(report.run.get(f"{column}_low")), finite(report.run.get(f"{column}_high"))
    mark, certain = "unknown", False
    if ours is not None and theirs is not None:
        gain = sign * (round(ours, 4) - round(theirs, 4))
        mark = "equal" if abs(gain) < 5e-5 else "better" if gain > 0 else "worse"
        certain = low is not None and high is not None and not low <= theirs <= high
    known = {key: v for key, v in (("ours", ours), ("paper", theirs), ("low", low), ("high", high)) if v is not None}
    start, end = min(known.values(), default=0.0), max(known.values(), default=1.0)
    at = {key: 8 + 84 * (v - start) / ((end - start) or 1) for key, v in known.items()}
    return Comparison(name, ours, theirs, low, high, mark, certain, at)


def svg_uri(drawn: bytes) -> str:
    """Data URI of an SVG; as an image it runs no script and loads nothing."""
    return data_uri("svg+xml", drawn)


def picture_uri(picture: Image) -> str:
    """Data URI of ``(H, W, 3)``: PNG with a palette where there are few colours (masks), else JPEG."""
    packed = picture.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)  # (H, W)
    target = io.BytesIO()
    # A photograph shows its many colours on every fourth pixel already; sorting them all would take long.
    if len(np.unique(packed[::4, ::4])) <= 32 and len(colours := np.unique(packed)) <= 32:
        drawn = PillowImage.fromarray(np.searchsorted(colours, packed).astype(np.uint8)).convert("P")
        drawn.putpalette([int(colour) >> shift & 255 for colour in colours for shift in (16, 8, 0)])
        drawn.save(target, "PNG", optimize=True)
        return data_uri("png", target.getvalue())
    PillowImage.fromarray(picture).save(target, "JPEG", quality=82, subsampling=0)  # thin lines keep their colour
    return data_uri("jpeg", target.getvalue())


class _Row(dict[str, Any]):
    """A row whose missing columns are None."""

    def __missing__(self, key: str) -> None:
        return None


def _rows(frame: pd.DataFrame) -> list[_Row]:
    return [_Row({str(key): value for key, value in row.items()}) for row in frame.to_dict("records")]


def _reals(frame: pd.DataFrame, column: str) -> pd.Series:
    values = frame[column] if column in frame else pd.Series(np.nan, index=frame.index)
    return pd.to_numeric(values, errors="coerce").astype("float64")


def _pretty_json(value: Any) -> str:
    try:
        value = json.loads(value) if isinstance(value, str) else value
        return json.dumps(value, indent=2, ensure_ascii=False, default=str)
    except ValueError:
        return str(value)
