"""What a run's report shows: pictures, close-ups and curves, of one split or of several that test on different ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from pipeline.datasets.base import Sample
from pipeline.datasets.masks import read_mask
from pipeline.metrics import region_curve
from pipeline.reporting.curves import Curve, threshold_curve, training_curve
from pipeline.reporting.figures import figure2_rows
from pipeline.reporting.review import Review
from pipeline.reporting.run_page import ReportInput, rank_worst_first
from pipeline.settings import RunSettings
from pipeline.stages.detector import read_score_threshold
from pipeline.stages.evaluation import figures_by_set
from pipeline.stages.keys import StageName
from pipeline.stages.prepare import BOX_COLUMNS, load_part, sets_of
from pipeline.storage.records import paper_on
from pipeline.storage.stage_files import read_stage_table
from pipeline.training.operating_point import SCORES


class Measured(NamedTuple):
    """One split that was run: its settings, and the folder of each stage."""

    settings: RunSettings
    folders: dict[StageName, Path]


def report_input(splits: Sequence[Measured], row: dict[str, Any], images: pd.DataFrame) -> ReportInput:
    """Everything on the page of a run over `splits`, whose pooled figures are `row`, with `images` a row a picture."""
    worst = set(rank_worst_first(images)["name"].head(splits[0].settings.figures))
    figures: list[Any] = []
    review = Review()
    for split in splits:
        threshold = read_score_threshold(split.folders["detect"])
        for sample, detections in _detections(split):
            kept = detections[detections["score"] >= threshold]
            boxes, scores = kept[BOX_COLUMNS].to_numpy(), kept["score"].to_numpy()
            review.add(sample, boxes, scores)
            if sample.name in worst:
                predicted = read_mask(split.folders["segment"] / "masks" / f"{sample.name}.png")
                figures.append((sample.name, figure2_rows(sample, boxes, scores, predicted)))
    paper = paper_on(row["dataset"])
    curves = _curves(splits, row, paper)
    sets = _sets(splits)
    return ReportInput(row, paper, images, figures, curves, review, sets)


def pooled_curve(splits: Sequence[Measured]) -> pd.DataFrame:
    """Curve over thresholds of all test pictures together, each seen by the detector of its own split."""
    pictures = (
        (detections[BOX_COLUMNS].to_numpy(), detections["score"].to_numpy(), sample.mask, sample.ignore)
        for split in splits
        for sample, detections in _detections(split)
    )
    return region_curve(pictures, SCORES)


def _sets(splits: Sequence[Measured]) -> pd.DataFrame:
    """Figures of each data set of a pool by itself; no rows where there is one only."""
    counts = pd.concat([read_stage_table(split.folders["evaluate"] / "counts.parquet") for split in splits])
    sets = sets_of(splits[0].settings, counts["name"].tolist())
    return figures_by_set(counts, sets) if len(set(sets)) > 1 else pd.DataFrame()


def _curves(splits: Sequence[Measured], row: dict[str, Any], paper: Mapping[str, Any]) -> dict[str, Curve]:
    if len(splits) > 1:
        return {"Operating point": threshold_curve(pooled_curve(splits), None, paper)}
    ((_, folders),) = splits
    curve = read_stage_table(folders["evaluate"] / "curve.parquet")
    histories = [
        read_stage_table(folders[stage] / "history.parquet") for stage in ("train-detector", "train-segmenter")
    ]
    return {
        "Training": training_curve(*histories),
        "Operating point": threshold_curve(curve, row["score_threshold"], paper),
    }


def _detections(split: Measured) -> Iterator[tuple[Sample, pd.DataFrame]]:
    """Each test picture with its rows of detections, best first."""
    table = read_stage_table(split.folders["detect"] / "detections.parquet")
    for sample in load_part(split.settings, split.folders["prepare"], "test"):
        yield sample, table[table["name"] == sample.name]
