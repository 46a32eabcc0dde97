"""The commands `crack-survey run` and `evaluate`: networks trained and measured on a data set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli_data import AsJson, MaskValues
from flows.cli_start import start_prefect
from models.errors import UsageError

if TYPE_CHECKING:
    from pipeline.datasets.base import CrackDataset
    from pipeline.settings import DatasetSettings, RunSettings

Dataset = Annotated[
    str, typer.Option(help="sample, crackforest, deepcrack, dnit, folder; run also takes pool.", show_default=True)
]
Root = Annotated[Path | None, typer.Option(help="Folder of the data set; the generated sample has none.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]


def run(
    preset: Annotated[
        str | None,
        typer.Option(
            help="fast: light networks (default for photographs). sample: the same, trained briefly (default for the "
            "sample). finetune: a lighter detector, starting from the bundle roads. brief: the same in three epochs, "
            "both networks starting from there. accurate: two detectors, both stages with test-time augmentation. "
            "paper: Carr et al. 2018. smoke: the shortest way through all stages, a minute."
        ),
    ] = None,
    dataset: Dataset = "sample",
    root: Root = None,
    mask_values: MaskValues = None,
    split: Annotated[str, typer.Option(help="paper, fold0 … fold4, or folds for all five and their pool.")] = "paper",
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="A.B=C", help="Change one setting; may be given again. C is read as JSON."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the weights and of the batches.")] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Train both networks, measure them on the test part, and record the run.

    With no option at all: a short training on the generated sample, which needs no data and no server.
    A stage whose data, settings and code have not changed since an earlier run is not run again; a run that was
    killed goes on from its last snapshot.

    For example:

        crack-survey run

        crack-survey run --dataset crackforest --root data/datasets/crackforest

        crack-survey run --preset paper --dataset deepcrack --root DeepCrack --device cuda

        crack-survey run --set detector_training.epochs=30 --set 'segmenter.encoder="resnet34"'
    """
    from pipeline.stages.terms import check_terms, start_folders

    settings = settings_of(preset, dataset, root, mask_values, split, setting or [], seed, device)
    check_terms(settings, look_for(settings.dataset, *start_folders(settings)))
    start_prefect()
    from flows.experiment import experiment
    from flows.showing import NotShown, run_shown
    from flows.tables import print_comparison, print_json
    from pipeline.storage.records import PAPER, paper_on

    recorded, shown = run_shown(experiment, None, settings)
    if as_json:
        places = {"run_id": recorded.run_id, "report": recorded.report, "bundle": recorded.bundle}
        print_json(recorded.metrics | places | {"paper": PAPER})
    else:
        chosen = settings.dataset
        title = f"Run {recorded.run_id}: {chosen.name} {chosen.split} {settings.preset}"
        print_comparison(recorded.metrics, paper_on(chosen.name), title)
        if known := recorded.metrics.get("learnt_images"):
            print(
                f"Of the {recorded.metrics['images']} test pictures {known} had been learnt from before, by a bundle "
                "that this run started from: these figures flatter it. Test on others, or start from another."
            )
        print(f"Report: {recorded.report}")
        if recorded.bundle is not None:
            print(f"Bundle: {recorded.bundle}")
    if not shown:
        raise NotShown


def evaluate(
    bundle: Annotated[Path, typer.Option(help="Folder of a trained cascade, such as the bundle/ of a run.")],
    dataset: Dataset = "sample",
    root: Root = None,
    mask_values: MaskValues = None,
    split: Annotated[
        str, typer.Option(help="paper-train, paper-val, paper-test, fold0-train … fold4-test, or all.")
    ] = "paper-test",
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Measure a trained cascade on a data set, at the thresholds it was bundled with, and record the figures.

    For example:

        crack-survey evaluate --bundle data/runs/RUN/bundle --dataset deepcrack --root DeepCrack --split paper-test
    """
    settings = settings_of(None, dataset, root, mask_values, "paper", [], None, device)
    look_for(settings.dataset, bundle, part=split)
    start_prefect()
    from flows.evaluate import evaluate_bundle
    from flows.showing import NotShown, run_shown
    from flows.tables import print_comparison, print_json
    from pipeline.storage.records import PAPER, paper_on

    row, shown = run_shown(evaluate_bundle, None, bundle, settings.dataset, split, settings.device)
    if as_json:
        print_json({**row, "paper": PAPER})
    else:
        print_comparison(row, paper_on(dataset), f"Run {row['run_id']}: {bundle} on {dataset}, {split}")
    if not shown:
        raise NotShown


def settings_of(
    preset: str | None,
    dataset: str,
    root: Path | None,
    mask_values: str | None,
    split: str,
    given: list[str],
    seed: int | None,
    device: str,
) -> RunSettings:
    """Settings of a preset with what the options say laid over it."""
    from pipeline.settings import make_settings

    overrides: dict[str, Any] = {
        "dataset.name": dataset,
        "dataset.root": root,
        "dataset.mask_values": mask_values,
        "dataset.split": split,
        "device": device,
    }
    if seed is not None:
        overrides["seed"] = seed
    overrides |= dict(parse_setting(item) for item in given)
    preset = preset or ("sample" if overrides["dataset.name"] == "sample" else "fast")
    if (other := overrides.get("preset", preset)) != preset:
        raise UsageError(
            f"--set preset={other} would only call the run so, and keep the values of {preset}.",
            f"Choose the preset with --preset {other}.",
        )
    return make_settings(preset, overrides)


def look_for(dataset: DatasetSettings, *bundles: Path, part: str | None = None) -> CrackDataset:
    """Say what is not there before Prefect starts, which takes longer than to look; return the data set."""
    from models.bundle import read_card
    from pipeline.datasets import open_dataset
    from pipeline.datasets.splits import make_split, select

    for bundle in bundles:
        read_card(bundle)
    opened = open_dataset(dataset)
    if part is not None:
        select(opened, part, dataset.split_seed)
    elif dataset.split != "folds":
        make_split(opened, dataset.split, dataset.split_seed)
    return opened


def parse_setting(item: str) -> tuple[str, Any]:
    """Read ``a.b=c``; what is not JSON is a string.

    >>> parse_setting("labels.max_side=64"), parse_setting("device=cpu"), parse_setting("detector.levels=[3, 4]")
    (('labels.max_side', 64), ('device', 'cpu'), ('detector.levels', [3, 4]))
    """
    name, equals, text = item.partition("=")
    if not equals or not name.strip():
        raise UsageError(f"--set {item} is not NAME=VALUE.", "Write for example --set detector_training.epochs=30.")
    try:
        return name.strip(), json.loads(text)
    except json.JSONDecodeError:
        return name.strip(), text
