"""A trained cascade measured on a data set, as a flow: no training, one row in the record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from flows.artifacts import publish_metrics, tag_run
from flows.events import publish_completed
from flows.progress import say, stage_progress
from models.bundle import BundleCard, read_card, read_learnt
from pipeline.cascade.cascade import Cascade
from pipeline.datasets import CrackDataset, open_dataset
from pipeline.datasets.splits import select
from pipeline.settings import DatasetSettings, LabelSettings, LimitSettings, home
from pipeline.stages.evaluation import Evaluated, evaluate_cascade, images_table
from pipeline.stages.learnt_from import pictures_learnt
from pipeline.stages.refusals import require_unchanged
from pipeline.stages.software import describe_software
from pipeline.storage.records import new_run_id, write_part
from pipeline.storage.room import check_home
from pipeline.storage.schemas import SCHEMAS
from pipeline.training.loop import device_name, pick_device

SAMPLE = DatasetSettings()
NO_LIMITS = LimitSettings()
TOLD = 5  # names of pictures that the bundle has learnt from


@task(name="measure", cache_policy=NO_CACHE, persist_result=False)
def measure(cascade: Cascade, dataset: CrackDataset, names: tuple[str, ...]) -> Evaluated:
    """Run the cascade, and its own U-Net on the full frame, over the named samples."""
    with stage_progress("measure") as report:
        samples = (dataset.load(name) for name in names)
        # AP50 alone needs boxes of the truth; a bundle does not tell by which settings its own were made.
        return evaluate_cascade(cascade, samples, len(names), LabelSettings(), report)


@task(name="record-evaluation", cache_policy=NO_CACHE, persist_result=False)
def record_evaluation(row: dict[str, Any], evaluated: Evaluated) -> None:
    """Write the row and the tables of the pictures; the row comes last, so that a run that is listed is whole."""
    run_id = row["run_id"]
    write_part("images", run_id, images_table(evaluated.counts), home())
    write_part("detections", run_id, evaluated.detections, home())
    write_part("runs", run_id, [row], home())
    publish_metrics(row, f"{row['bundle']} on {row['dataset']} {row['split']}")


def run_name() -> str:
    """Name of the flow run in the UI: bundle, data set, part and time."""
    given = flow_run.parameters
    dataset = DatasetSettings.model_validate(given["dataset"])
    return f"{Path(given['bundle']).name} on {dataset.name} {given['part']} {datetime.now(UTC):%Y-%m-%d %H:%M}"


@flow(name="evaluate", flow_run_name=run_name, persist_result=False)
def evaluate_bundle(
    bundle: Path,
    dataset: DatasetSettings = SAMPLE,
    part: str = "paper-test",
    device: str = "auto",
    limits: LimitSettings = NO_LIMITS,
) -> dict[str, Any]:
    """Measure a bundle at its own thresholds.

    Args:
        bundle: folder of `models.bundle`.
        dataset: samples to measure on.
        part: ``paper-test``, ``fold0-val``, … or ``all`` (`pipeline.datasets.splits.select`).
        device: ``auto``, ``cpu`` or ``cuda``.
        limits: figures to keep to; the event of the finished run says whether it did.

    Returns:
        The row of the table `runs`, ``run_id`` with it.

    Raises:
        models.errors.UserError: naming what is wrong and the remedy.
    """
    check_home(home())
    began = datetime.now(UTC)
    tag_run("evaluate", dataset.name, part)
    card = read_card(bundle)
    chosen = pick_device(device)
    opened = open_dataset(dataset)
    names = select(opened, part, dataset.split_seed)
    fingerprint = opened.fingerprint()
    learnt_images = _count_learnt(bundle, card, opened, names, fingerprint, part)
    evaluated = measure(Cascade.load(bundle, chosen), opened, names)
    require_unchanged(opened, fingerprint)
    for note in opened.notes:
        say(note)
    if not evaluated.counts["crack_px"].any():
        say(f"No picture of {dataset.name} {part} has a crack: only boxes, shares of pixels and times are recorded.")
    row = _figures(evaluated, card) | {
        "started_at": began,
        "finished_at": datetime.now(UTC),
        "dataset": dataset.name,
        "split": part,
        "settings": {"bundle": str(bundle), "dataset": dataset.model_dump(mode="json")},
        "dataset_fingerprint": fingerprint,
        "device": device_name(chosen),
        "images": len(names),
        "learnt_images": learnt_images,
        "total_s": (datetime.now(UTC) - began).total_seconds(),
        "bundle": str(bundle),
    }
    record_evaluation(row, evaluated)
    publish_completed("evaluate", f"{dataset.name} {part}", row, limits)
    return row


def _count_learnt(
    bundle: Path, card: BundleCard, opened: CrackDataset, names: Sequence[str], fingerprint: str, part: str
) -> int | None:
    """How many of these pictures the bundle has learnt from, which is told; None where it cannot say."""
    learnt = read_learnt(bundle)
    known = [] if learnt is None else pictures_learnt(opened, names, learnt)
    says_all = learnt is not None and learnt.whole
    if known:
        told = ", ".join(known[:TOLD]) + (", …" if len(known) > TOLD else "")
        say(f"The bundle has learnt from {len(known)} of these {len(names)} pictures: {told}. Its figures flatter it.")
    elif not says_all and fingerprint == card.dataset_fingerprint and part != f"{card.split}-test":
        say(f"The bundle was trained on a part of this data set, of its split {card.split!r}; {part!r} may overlap it.")
    return len(known) if known or says_all else None


def _figures(evaluated: Evaluated, card: BundleCard) -> dict[str, Any]:
    """What was measured, at which thresholds and by which software, under a run id of its own."""
    commit, versions = describe_software()
    return {name: value for name, value in evaluated.headline.items() if name in SCHEMAS["runs"].names} | {
        "run_id": new_run_id(),
        "kind": "evaluate",
        "commit": commit,
        "versions": versions,
        "score_threshold": card.score_threshold,
        "coarse_threshold": card.coarse_boxes.threshold if card.detector.coarse_mask else None,
        "probability_threshold": card.probability_threshold,
        "full_frame_threshold": card.full_frame_threshold,
        "flank_share": card.flank_share,
    }
