"""The experiment as a flow: prepare → train detector → detect → crop → train segmenter → segment → evaluate → record.

A stage whose key (`pipeline.stages.keys`) has been seen is not run again: Prefect finds its result, the stage's folder,
by that key. Tasks return such folders relative to ``<home>/stages``, so a home can be moved.
"""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, cast

from prefect import Task, flow, task
from prefect.cache_policies import NO_CACHE, CacheKeyFnPolicy
from prefect.client.schemas.objects import State
from prefect.context import TaskRunContext
from prefect.runtime import flow_run

from flows.artifacts import figure2_pictures, publish_metrics, publish_report, tag_run
from flows.events import publish_completed
from flows.progress import say, stage_progress
from pipeline.datasets import open_dataset
from pipeline.datasets.splits import FOLDS
from pipeline.settings import RunSettings, home, make_settings
from pipeline.stages import crop, detector, evaluate, prepare, segmenter, train_detector
from pipeline.stages.keys import StageName, is_done, run_stage, stage_folder, stage_keys
from pipeline.stages.page_input import Measured
from pipeline.stages.record import RecordedRun, RunInfo, record, record_pooled
from pipeline.stages.terms import check_terms
from pipeline.storage.records import new_run_id
from pipeline.storage.room import check_home
from pipeline.training.loop import device_name, pick_device


class Outcome(NamedTuple):
    """What a run over one split leaves: its record, where its stages lie, and the seconds each stage took."""

    recorded: RecordedRun
    measured: Measured
    seconds: dict[str, float]


def _cache_key(context: TaskRunContext, parameters: dict[str, Any]) -> str:
    return f"{context.task.name}-{parameters['key']}"


DEFAULT = RunSettings()
BY_KEY = CacheKeyFnPolicy(cache_key_fn=_cache_key)


@task(name="prepare", cache_policy=BY_KEY, persist_result=True)
def prepare_task(settings: RunSettings, key: str) -> str:
    """Split the data set and turn masks into boxes."""
    return _fill("prepare", key, lambda out: prepare.prepare(settings, out))


@task(name="train-detector", cache_policy=BY_KEY, persist_result=True)
def train_detector_task(settings: RunSettings, key: str, prepared: str) -> str:
    """Train stage 1, from its last snapshot where a killed run left one."""
    with stage_progress("train detector") as report:
        return _fill(
            "train-detector", key, lambda out: train_detector.train_detector(settings, _path(prepared), out, report)
        )


@task(name="detect", cache_policy=BY_KEY, persist_result=True)
def detect_task(settings: RunSettings, key: str, prepared: str, trained: str) -> str:
    """Run the detector over the test part and crack-free pictures and choose its threshold on validation."""
    return _fill("detect", key, lambda out: detector.detect(settings, _path(prepared), _path(trained), out))


@task(name="crop", cache_policy=BY_KEY, persist_result=True)
def crop_task(settings: RunSettings, key: str, prepared: str, trained: str) -> str:
    """Say where in the training pictures the segmenter trains."""
    return _fill("crop", key, lambda out: crop.crop(settings, _path(prepared), _path(trained), out))


@task(name="train-segmenter", cache_policy=BY_KEY, persist_result=True)
def train_segmenter_task(settings: RunSettings, key: str, prepared: str, cropped: str) -> str:
    """Train stage 2 on the crops, from its last snapshot where a killed run left one."""
    with stage_progress("train segmenter") as report:
        return _fill(
            "train-segmenter",
            key,
            lambda out: segmenter.train_segmenter(settings, _path(prepared), _path(cropped), out, report),
        )


@task(name="segment", cache_policy=BY_KEY, persist_result=True)
def segment_task(settings: RunSettings, key: str, prepared: str, trained: str, detected: str, segmenting: str) -> str:
    """Run the cascade, and the same U-Net on the full frame, over the test part."""
    with stage_progress("segment") as report:
        return _fill(
            "segment",
            key,
            lambda out: segmenter.segment(
                settings, _path(prepared), _path(trained), _path(detected), _path(segmenting), out, report
            ),
        )


@task(name="evaluate", cache_policy=BY_KEY, persist_result=True)
def evaluate_task(settings: RunSettings, key: str, prepared: str, detected: str, segmented: str) -> str:
    """Count, pool, and draw the curves over the threshold."""
    return _fill(
        "evaluate",
        key,
        lambda out: evaluate.evaluate(settings, _path(prepared), _path(detected), _path(segmented), out),
    )


@task(name="record", cache_policy=NO_CACHE, persist_result=False)
def record_task(settings: RunSettings, folders: dict[StageName, str], run: RunInfo) -> RecordedRun:
    """Write the run's row, tables, bundle and report; show them in the UI."""
    paths = {stage: _path(folder) for stage, folder in folders.items()}
    recorded = record(settings, paths, home(), run)
    title = _title(settings)
    pictures = figure2_pictures(settings, paths["prepare"], paths["detect"], paths["segment"])
    publish_metrics(recorded.metrics, title)
    publish_report(recorded.metrics, title, recorded.report.resolve(), pictures)
    return recorded


@task(name="record-pooled", cache_policy=NO_CACHE, persist_result=False)
def record_pooled_task(settings: RunSettings, folds: list[Measured], run: RunInfo) -> RecordedRun:
    """Write one row over all folds, and the page with every mistake of theirs."""
    recorded = record_pooled(settings, folds, run, home())
    publish_metrics(recorded.metrics, _title(settings))
    return recorded


def run_name() -> str:
    """Name of the flow run in the UI: data set, split, preset and time."""
    settings = RunSettings.model_validate(flow_run.parameters["settings"])
    return f"{_title(settings)} {datetime.now(UTC):%Y-%m-%d %H:%M}"


@flow(name="experiment", flow_run_name=run_name, persist_result=False)
def experiment(settings: RunSettings = DEFAULT) -> RecordedRun:
    """Train and measure both networks on one data set, the way of Carr et al. 2018.

    Args:
        settings: everything that shapes the run. A stage is run again only if its settings, data or code have changed.
            ``preset`` brings its values where none are given. A form gives all: those below it count, whatever it says.

    Returns:
        The run as it was recorded; with the split ``folds``, the row pooled over all five.

    Raises:
        models.errors.UserError: naming what is wrong and the remedy.
    """
    check_home(home())
    settings = make_settings(settings.preset, settings.model_dump(exclude_unset=True))
    began = datetime.now(UTC)
    tag_run("experiment", settings.dataset.name, settings.dataset.split, settings.preset)
    recorded = run_folds(settings, began) if settings.dataset.split == "folds" else run_split(settings).recorded
    publish_completed("experiment", _title(settings), recorded.metrics | {"run_id": recorded.run_id}, settings.limits)
    return recorded


def run_folds(settings: RunSettings, began: datetime) -> RecordedRun:
    """Every fold as a flow of its own, then one row over all. Has to be called within a flow."""
    folds = [fold(settings.on_split(name)) for name in FOLDS]
    seconds: Counter[str] = Counter()
    for outcome in folds:
        seconds.update(outcome.seconds)
    run = RunInfo(new_run_id(), began, device_name(pick_device(settings.device)), dict(seconds))
    return record_pooled_task(settings, [outcome.measured for outcome in folds], run)


@flow(name="fold", flow_run_name=run_name, persist_result=False)
def fold(settings: RunSettings) -> Outcome:
    """Run the experiment on one of the five folds."""
    return run_split(settings)


def run_split(settings: RunSettings) -> Outcome:
    """Every stage, one after the other, on one split. Has to be called within a flow."""
    began = datetime.now(UTC)
    device = pick_device(settings.device)
    check_terms(settings, open_dataset(settings.dataset))  # each time: no stage's key holds what a bundle allows
    keys = stage_keys(settings, device.type)
    seconds: dict[str, float] = {}
    results = home().resolve() / "prefect-results"

    def run(stage: StageName, work: Task[..., str], *before: str) -> str:
        fresh = not is_done(stage_folder(home(), stage, keys[stage]))
        chosen = work.with_options(refresh_cache=fresh, result_storage=results)
        start = time.perf_counter()
        # Prefect's overloads lose the state behind an unknown list of parameters.
        state = cast(State[str], chosen(settings, keys[stage], *before, return_state=True))
        cached = state.name == "Cached"
        seconds[stage] = 0.0 if cached else time.perf_counter() - start
        folder = state.result()
        say(f"{stage.replace('-', ' ')}: {'nothing changed, used again' if cached else f'{seconds[stage]:.1f} s'}")
        return folder

    prepared = run("prepare", prepare_task)
    trained = run("train-detector", train_detector_task, prepared)
    detected = run("detect", detect_task, prepared, trained)
    cropped = run("crop", crop_task, prepared, trained)
    segmenting = run("train-segmenter", train_segmenter_task, prepared, cropped)
    segmented = run("segment", segment_task, prepared, trained, detected, segmenting)
    evaluated = run("evaluate", evaluate_task, prepared, detected, segmented)
    folders: dict[StageName, str] = {
        "prepare": prepared,
        "train-detector": trained,
        "detect": detected,
        "crop": cropped,
        "train-segmenter": segmenting,
        "segment": segmented,
        "evaluate": evaluated,
    }
    recorded = record_task(settings, folders, RunInfo(new_run_id(), began, device_name(device), seconds))
    measured = Measured(settings, {stage: _path(folder) for stage, folder in folders.items()})
    return Outcome(recorded, measured, seconds)


def _fill(stage: StageName, key: str, work: Any) -> str:
    """Let `work` fill the stage's folder unless an earlier run has; the folder relative to ``<home>/stages``."""
    folder = stage_folder(home(), stage, key)
    if not is_done(folder):
        run_stage(folder, work)
    return f"{stage}/{key}"


def _path(folder: str) -> Path:
    return home() / "stages" / folder


def _title(settings: RunSettings) -> str:
    return f"{settings.dataset.name} {settings.dataset.split} {settings.preset}"
