"""Stage *record*: the run's rows in Parquet, its bundle, and its report page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pandas.arrays import BooleanArray

from models.errors import DataError
from pipeline.arrays import AnyBoxes, Mask
from pipeline.metrics import judged_boxes
from pipeline.reporting.figures import holds_crack
from pipeline.reporting.run_page import ReportInput, write_report
from pipeline.settings import RunSettings
from pipeline.stages.bundling import bundle_run
from pipeline.stages.evaluation import headline, images_table
from pipeline.stages.keys import StageName
from pipeline.stages.learnt_from import learnt_test_pictures
from pipeline.stages.page_input import Measured, report_input
from pipeline.stages.prepare import BOX_COLUMNS, load_part
from pipeline.stages.software import describe_software
from pipeline.storage.atomic import write_whole
from pipeline.storage.records import paper_on, read_table, write_part
from pipeline.storage.stage_files import read_stage_json, read_stage_table

MEANS_OVER_SPLITS = (  # unless the pooled counts tell
    "oracle_data_reduction",
    "oracle_boxes_per_image",
    "anchor_recall",
    "crack_share",
    "boxes_per_clean_image",
)


@dataclass(frozen=True)
class RunInfo:
    """What a run is called and how long it took.

    Attributes:
        run_id: of `pipeline.storage.records.new_run_id`.
        started_at: UTC.
        device: that it ran on (`pipeline.training.loop.device_name`); `devices_of` adds where its
            networks were trained.
        seconds: stage → seconds, 0 where an earlier result was used again.
    """

    run_id: str
    started_at: datetime
    device: str
    seconds: dict[str, float]


class RecordedRun(NamedTuple):
    """A run as it was recorded: the row of ``runs``, and where its page and bundle lie (none for pooled folds)."""

    run_id: str
    metrics: dict[str, Any]
    report: Path
    bundle: Path | None


def record(settings: RunSettings, folders: dict[StageName, Path], home: Path, run: RunInfo) -> RecordedRun:
    """Record a run over one split. The row of ``runs`` is written last: a run that has one is recorded whole."""
    metrics = read_stage_json(folders["evaluate"] / "metrics.json")
    described = read_stage_json(folders["prepare"] / "split.json")
    counts = read_stage_table(folders["evaluate"] / "counts.parquet")
    run = replace(run, device=devices_of(run.device, [folders]))
    folder = home / "runs" / run.run_id
    bundle = bundle_run(settings, folders, folder / "bundle", metrics, described, run.device)
    row = _run_row(settings, metrics, run) | {
        "train_detector_s": _training_seconds(folders["train-detector"]),
        "train_segmenter_s": _training_seconds(folders["train-segmenter"]),
        "learnt_images": learnt_test_pictures(settings, folders["prepare"]),
        "dataset_fingerprint": described["dataset_fingerprint"],
        "split_fingerprint": described["split_fingerprint"],
        "report": str(folder / "report.html"),
        "bundle": str(bundle),
    }
    _write_places(folder, settings, {settings.dataset.split: folders})
    write_part("images", run.run_id, images_table(counts), home)
    write_part("detections", run.run_id, _detections(settings, folders), home)
    page = report_input([Measured(settings, folders)], row, images_table(counts))
    report = write_report(folder / "report.html", page)
    write_part("runs", run.run_id, [row], home)
    return RecordedRun(run.run_id, row, report, bundle)


def record_pooled(settings: RunSettings, splits: list[Measured], run: RunInfo, home: Path) -> RecordedRun:
    """Record one row over several splits that test on different pictures: their counts pooled, not their figures."""
    evaluated = [split.folders["evaluate"] for split in splits]
    counts = pd.concat([read_stage_table(folder / "counts.parquet") for folder in evaluated], ignore_index=True)
    parts = [read_stage_json(folder / "metrics.json") for folder in evaluated]
    metrics = headline(counts, float(np.mean([part["ap50"] for part in parts])))
    for name in MEANS_OVER_SPLITS:
        if name not in metrics and all(name in part for part in parts):
            metrics[name] = float(np.mean([part[name] for part in parts]))
    folder = home / "runs" / run.run_id
    run = replace(run, device=devices_of(run.device, [split.folders for split in splits]))
    known = [learnt_test_pictures(split.settings, split.folders["prepare"]) for split in splits]
    row = _run_row(settings, metrics, run) | {
        "learnt_images": added_up(known),
        "report": str(folder / "report.html"),
    }
    images = images_table(counts)
    _write_places(folder, settings, {split.settings.dataset.split: split.folders for split in splits})
    write_part("images", run.run_id, images, home)
    report = write_report(folder / "report.html", report_input(splits, row, images))
    write_part("runs", run.run_id, [row], home)
    return RecordedRun(run.run_id, row, report, None)


def rerender_report(home: Path, run_id: str) -> Path:
    """Write a recorded run's page again from its record and its stages.

    Raises:
        DataError: the run is not recorded, its stages were deleted, or what it keeps of them cannot be read.
    """
    runs = read_table("runs", home, run_id)
    folder = home / "runs" / run_id
    if runs.empty:
        raise DataError(f"No run {run_id} is recorded in {home}.", "`crack-survey runs` lists those there are.")
    row = {str(key): value for key, value in runs.iloc[0].to_dict().items()}
    images = read_table("images", home, run_id)
    if not (folder / "stages.json").is_file():  # an evaluation: no pictures of its own
        return write_report(folder / "report.html", ReportInput(run=row, paper=paper_on(row["dataset"]), images=images))
    splits = _read_places(folder, home)
    if missing := [str(path) for split in splits for path in split.folders.values() if not path.is_dir()]:
        raise DataError(f"The stage {missing[0]} of run {run_id} was deleted.", "Run the experiment again.")
    return write_report(folder / "report.html", report_input(splits, row, images))


def _write_places(folder: Path, settings: RunSettings, splits: dict[str, dict[StageName, Path]]) -> None:
    """Keep what a page is made from: the settings, and the key of every stage by split."""
    keys = {split: {stage: where.name for stage, where in folders.items()} for split, folders in splits.items()}
    write_whole(folder / "settings.json", lambda path: path.write_text(settings.model_dump_json(indent=2)))
    write_whole(folder / "stages.json", lambda path: path.write_text(json.dumps(keys, indent=2)))


def _read_places(folder: Path, home: Path) -> list[Measured]:
    try:
        settings = RunSettings.model_validate_json((folder / "settings.json").read_text())
        keys: dict[str, dict[StageName, str]] = json.loads((folder / "stages.json").read_text())
    except (OSError, ValueError) as error:
        why = " ".join(line.strip() for line in str(error).splitlines()[:3])
        raise DataError(
            f"settings.json and stages.json in {folder} do not say what the page is made from: {why}",
            "They are damaged, or of another version of crack-survey: run the experiment again.",
        ) from error
    return [
        Measured(settings.on_split(split), {stage: home / "stages" / stage / key for stage, key in stages.items()})
        for split, stages in keys.items()
    ]


def _run_row(settings: RunSettings, metrics: dict[str, Any], run: RunInfo) -> dict[str, Any]:
    commit, versions = describe_software()
    return metrics | {
        "run_id": run.run_id,
        "started_at": run.started_at,
        "finished_at": datetime.now(UTC),
        "kind": "experiment",
        "preset": settings.preset,
        "dataset": settings.dataset.name,
        "split": settings.dataset.split,
        "settings": settings.model_dump(mode="json"),
        "seed": settings.seed,
        "commit": commit,
        "device": run.device,
        "versions": versions,
        "total_s": sum(run.seconds.values()),
    }


def added_up(counts: Sequence[int | None]) -> int | None:
    """Sum of those that are known; None where that is nothing and one is not known."""
    return sum(count or 0 for count in counts) or (None if None in counts else 0)


def devices_of(device: str, splits: Sequence[dict[StageName, Path]]) -> str:
    """The device of a run, and those that its networks were trained on where they are others."""
    stages: tuple[StageName, ...] = ("train-detector", "train-segmenter")
    histories = [read_stage_table(folders[stage] / "history.parquet") for folders in splits for stage in stages]
    trained = sorted({name for history in histories for name in history["device"]})
    return device if trained == [device] else f"{device}, trained on {' and '.join(trained)}"


def _training_seconds(trained: Path) -> float:
    """Time that all epochs took, whichever run trained them."""
    return float(read_stage_table(trained / "history.parquet")["seconds"].sum())


def _detections(settings: RunSettings, folders: dict[StageName, Path]) -> pd.DataFrame:
    """Detections of the test part, with whether each is right."""
    table = read_stage_table(folders["detect"] / "detections.parquet")
    kept: list[int] = []
    right: list[Any] = []
    for sample in load_part(settings, folders["prepare"], "test"):
        mine = table[table["name"] == sample.name]
        kept += mine.index.tolist()
        right += right_or_wrong(mine[BOX_COLUMNS].to_numpy(), sample.mask, sample.ignore).tolist()
    found = table.loc[kept].drop(columns="part").reset_index(drop=True)
    return found.assign(tp=pd.array(right, dtype="boolean"))


def right_or_wrong(boxes: AnyBoxes, mask: Mask, ignore: Mask | None) -> BooleanArray:
    """Whether each box ``(N, 4)`` xyxy px holds a crack pixel: ``(N,)``, NA where nobody can judge it."""
    right = pd.array(holds_crack(boxes, mask if ignore is None else mask & ~ignore), dtype="boolean")
    right[~judged_boxes(boxes, mask, ignore)] = pd.NA
    return right
