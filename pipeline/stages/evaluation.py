"""From boxes and masks of pictures to every figure of a run: counted a picture at a time, then pooled."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, fields
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.arrays import Image, Mask, ProbabilityMap
from pipeline.cascade.cascade import Cascade, CascadeResult
from pipeline.cascade.tiles import AT_ONCE_PX
from pipeline.datasets.base import Sample
from pipeline.datasets.boxes import mask_to_boxes
from pipeline.datasets.on_demand import batches_of
from pipeline.metrics import (
    RegionCounts,
    SegmentationCounts,
    ap50,
    bootstrap_interval,
    judged_boxes,
    mean_over_pictures,
    region_counts,
    segmentation_counts,
)
from pipeline.settings import LabelSettings
from pipeline.storage.schemas import TIMES
from pipeline.training.loop import Report

C = TypeVar("C", RegionCounts, SegmentationCounts)

COSTS = (*TIMES, "segmented_share")
"""Of a picture: ms, and what stage 2 looked at over all its pixels."""

TOLERANCES = (0, 2)  # px
MASK_FIGURES: dict[str, Callable[[SegmentationCounts], float]] = {
    "precision": attrgetter("precision"),
    "recall": attrgetter("recall"),
    "f1": attrgetter("f1"),
    "iou": attrgetter("tolerant_iou"),
}
OF_CLEAN = (
    "data_reduction",
    "data_reduction_low",
    "data_reduction_high",
    "boxes_per_image",
    "boxes_per_clean_image",
    "images",
)
"""Figures that pictures without any crack have too; the others are nan there."""

ROUNDS = 3  # times each batch is timed; the median counts
MANY = 100  # pictures from which on one round tells enough

SCORED = ("x1_px", "y1_px", "x2_px", "y2_px", "score")
"""Columns of detections that hold numbers, float32."""


class Evaluated(NamedTuple):
    """Outcome of `evaluate_cascade`.

    Attributes:
        counts: one row a picture, of `count_picture`.
        detections: ``name, x1_px, y1_px, x2_px, y2_px, score`` from 0.01 up.
        headline: figure by column name, of `headline`.
    """

    counts: pd.DataFrame
    detections: pd.DataFrame
    headline: dict[str, float]


def timed_batch(
    cascade: Cascade, images: Sequence[Image]
) -> tuple[list[CascadeResult], list[ProbabilityMap], dict[str, float]]:
    """Cascade and full frame one after the other on a batch of pictures, with the time of each, ms a picture."""
    began = time.perf_counter()
    results = cascade.look(images)
    between = time.perf_counter()
    full_frames = cascade.stage2.full_frame(images)
    ended = time.perf_counter()
    share = 1e3 / len(images)
    stages = (sum(getattr(result, name) for result in results) / len(images) for name in TIMES[:2])
    spent = (*stages, (between - began) * share, (ended - between) * share)
    return results, full_frames, dict(zip(TIMES, spent, strict=True))


def median_times(rounds: Sequence[dict[str, float]]) -> dict[str, float]:
    """Median of each time over rounds, ms."""
    return {key: float(np.median([times[key] for times in rounds])) for key in TIMES}


def count_picture(
    sample: Sample, boxes: NDArray[Any], mask: Mask, full_frame: Mask, costs: dict[str, float]
) -> dict[str, Any]:
    """Count one picture at the operating point.

    Args:
        sample: picture and truth.
        boxes: ``(N, 4)`` xyxy px at or above the score threshold.
        mask: ``(H, W)`` bool of the cascade.
        full_frame: ``(H, W)`` bool of the same U-Net over the whole frame.
        costs: `COSTS`.

    Returns:
        One flat row: name, size, the fields of `RegionCounts`, those of `SegmentationCounts` as
        ``cascade_2px_inter`` and so on, and the costs.
    """
    row: dict[str, Any] = {"name": sample.name, "height_px": sample.mask.shape[0], "width_px": sample.mask.shape[1]}
    row |= asdict(region_counts(boxes, sample.mask, sample.ignore))
    for side, predicted in (("cascade", mask), ("full_frame", full_frame)):
        for tolerance in TOLERANCES:
            counts = asdict(segmentation_counts(predicted, sample.mask, tolerance, sample.ignore))
            row |= {f"{side}_{tolerance}px_{field}": value for field, value in counts.items()}
    return row | costs


def evaluate_cascade(
    cascade: Cascade, samples: Iterable[Sample], total: int, labels: LabelSettings, report: Report
) -> Evaluated:
    """Run a cascade and its own U-Net on the full frame over samples, and measure both."""
    rows: list[dict[str, Any]] = []
    scored: list[tuple[object, ...]] = []  # plain numbers: an array a picture would pin the heap where its pixels were
    for_ap = []
    for batch in batches_of(samples):
        images = [sample.image for sample in batch]
        # A large picture takes seconds, during which nothing is told: it is timed once.
        large = any(sample.mask.size > AT_ONCE_PX for sample in batch)
        if not rows and not large:
            timed_batch(cascade, images)  # warm up: the first batch is slow
        timed = [timed_batch(cascade, images) for _ in range(ROUNDS if total < MANY and not large else 1)]
        results, full_frames, _ = timed[-1]
        times = median_times([times for *_, times in timed])
        all_detections = cascade.stage1.detect(images)
        for sample, result, full_frame, (boxes, scores) in zip(
            batch, results, full_frames, all_detections, strict=True
        ):
            full_mask = full_frame >= cascade.thresholds.full_frame
            costs = times | {"segmented_share": result.segmented_share}
            rows.append(count_picture(sample, result.boxes, result.mask, full_mask, costs))
            scored += [(sample.name, *each) for each in np.column_stack([boxes, scores]).tolist()]
            judged = judged_boxes(boxes, sample.mask, sample.ignore)
            for_ap.append((boxes[judged], scores[judged], mask_to_boxes(sample.mask, labels)))
        report(len(rows), total, "")
    counts = pd.DataFrame(rows)
    detections = pd.DataFrame(scored, columns=["name", *SCORED]).astype(dict.fromkeys(SCORED, np.float32))
    return Evaluated(counts, detections, headline(counts, ap50(for_ap)))


def headline(counts: pd.DataFrame, average_precision: float) -> dict[str, float]:
    """Pooled figures of a run from the rows of `count_picture`; intervals are 95 % bootstraps over pictures."""
    regions = [_read(RegionCounts, row, "") for row in counts.to_dict("records")]
    pooled = sum(regions, RegionCounts())
    figures = {
        "precision": pooled.precision,
        "segmentation_error": pooled.segmentation_error,
        "data_reduction": pooled.data_reduction,
        "strict_precision": pooled.strict_precision,
        "boxes_per_image": pooled.boxes_per_image,
        "ap50": average_precision,
        "images": float(len(counts)),
    }
    clean = [one for one in regions if one.frame_px and not one.crack_px]
    if clean:  # else the column stays empty
        figures["boxes_per_clean_image"] = sum(clean, RegionCounts()).boxes_per_image
    for name in ("precision", "segmentation_error", "data_reduction"):
        low, high = bootstrap_interval(regions, attrgetter(name))
        figures |= {f"{name}_low": low, f"{name}_high": high}
    for side, prefix in (("cascade", ""), ("full_frame", "full_frame_")):
        for tolerance in TOLERANCES:
            pictures = _segmentation(counts, side, tolerance)
            whole = sum(pictures, SegmentationCounts())
            for figure, statistic in MASK_FIGURES.items():
                figures[f"{prefix}{figure}_{tolerance}px"] = statistic(whole)
                figures[f"{prefix}{figure}_{tolerance}px_mean"] = mean_over_pictures(pictures, statistic)
    if not pooled.crack_px:  # nothing to find: whoever finds nothing is not perfect
        figures = {name: value if name in OF_CLEAN else float("nan") for name, value in figures.items()}
    pixels = counts["height_px"] * counts["width_px"]
    figures["segmented_share"] = float((counts["segmented_share"] * pixels).sum() / pixels.sum())
    return figures | {key: float(counts[key].median()) for key in TIMES}


def figures_by_set(counts: pd.DataFrame, sets: Sequence[str]) -> pd.DataFrame:
    """Figures of `headline` for each data set by itself, its name in the column ``set``.

    Args:
        counts: rows of `count_picture`.
        sets: data set of each row.
    """
    rows = [{"set": name} | headline(some, math.nan) for name, some in counts.groupby(list(sets), sort=True)]
    return pd.DataFrame(rows).drop(columns="ap50")


def images_table(counts: pd.DataFrame) -> pd.DataFrame:
    """Rows for the record's ``images`` table from the rows of `count_picture`."""
    columns = [
        "name",
        "height_px",
        "width_px",
        "crack_px",
        "tp",
        "fp",
        "strict_tp",
        "missed_px",
        "union_px",
        "frame_px",
    ]
    table = counts[columns]
    reduction = 1 - counts["union_px"] / counts["frame_px"].clip(lower=1)
    table = table.assign(boxes=counts["tp"] + counts["fp"], data_reduction=reduction)
    for side, prefix in (("cascade", ""), ("full_frame", "full_frame_")):
        for tolerance in TOLERANCES:
            pictures = _segmentation(counts, side, tolerance)
            table[f"{prefix}f1_{tolerance}px"] = [picture.f1 for picture in pictures]
            table[f"{prefix}iou_{tolerance}px"] = [picture.tolerant_iou for picture in pictures]
    return table.join(counts[list(COSTS)])


def _segmentation(counts: pd.DataFrame, side: str, tolerance: int) -> list[SegmentationCounts]:
    return [_read(SegmentationCounts, row, f"{side}_{tolerance}px_") for row in counts.to_dict("records")]


def _read(kind: type[C], row: dict[Any, Any], prefix: str) -> C:
    return kind(**{field.name: int(row[prefix + field.name]) for field in fields(kind)})
