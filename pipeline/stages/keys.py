"""Fingerprints of stages: equal keys mean equal data, settings and code, so the result can be used again."""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from models.bundle import DETECTOR, SEGMENTER, read_card
from pipeline.datasets import open_dataset
from pipeline.datasets.large import cut_of
from pipeline.datasets.splits import make_split
from pipeline.settings import RunSettings
from pipeline.stages.sources import code_digest
from pipeline.storage.atomic import write_whole

StageName = Literal["prepare", "train-detector", "detect", "crop", "train-segmenter", "segment", "evaluate"]

# What each stage works on.
BEFORE: dict[StageName, tuple[StageName, ...]] = {
    "prepare": (),
    "train-detector": ("prepare",),
    "detect": ("train-detector",),
    "crop": ("train-detector",),
    "train-segmenter": ("crop",),
    "segment": ("detect", "train-segmenter"),
    "evaluate": ("segment",),
}

# Where each stage begins; a change of any code that it can reach from there makes its earlier results stale.
MODULES: dict[StageName, str] = {
    "prepare": "pipeline.stages.prepare",
    "train-detector": "pipeline.stages.train_detector",
    "detect": "pipeline.stages.detector",
    "crop": "pipeline.stages.crop",
    "train-segmenter": "pipeline.stages.segmenter",
    "segment": "pipeline.stages.segmenter",
    "evaluate": "pipeline.stages.evaluate",
}


def stage_keys(settings: RunSettings, device_type: str) -> dict[StageName, str]:
    """Key of every stage, 16 hex digits; a stage's key changes with its own settings, its code, and the keys before.

    What a GPU has trained is used again where there is none, though another kind of device gives other weights for the
    same seed: a training's history names it. What is found and timed with those weights is of its own device.

    Args:
        settings: of the run.
        device_type: ``cpu`` or ``cuda``.

    Raises:
        models.errors.UserError: the data set, split or starting bundle is not what the settings say.
    """
    dataset = open_dataset(settings.dataset)
    split = make_split(dataset, settings.dataset.split, settings.dataset.split_seed)
    dump = settings.model_dump(mode="json")
    detector, second = dump["detector"], dump["detector"]["second"]
    trainings = [dump["detector_training"], *([dump["second_training"]] if second else [])]  # of stage 1
    anchors = [
        {k: v for k, v in each.items() if k in ("anchor_sizes", "levels", "space_to_depth")}
        for each in (detector, second)
        if each
    ]
    for training in (*trainings, dump["segmenter_training"]):
        if training["start"]:  # what lies there counts, not where
            training["start"] = _weights_of(Path(training["start"]))
            training["start_others"] = [_weights_of(Path(other)) for other in training["start_others"]]
    parts = [{key: value for key, value in part.items() if key != "root"} for part in dump["dataset"]["parts"]]
    windowed = settings.dataset.parts or cut_of(settings.dataset, dataset, split)
    settings_of: dict[StageName, Any] = {
        "prepare": [
            dataset.fingerprint(), split.fingerprint, dump["dataset"]["use_negatives"], dump["labels"], anchors,
            *([dump["dataset"]["windows"], parts, dump["seed"]] if windowed else []),
        ],
        "train-detector": [detector, dump["detector_augment"], dump["other_cameras"], trainings, dump["seed"]],
        "detect": [
            device_type, dump["detector_tta"], dump["box_splitting"],
            {k: v for k, v in dump["thresholds"].items() if k != "probability"},
        ],
        "crop": [dump["box_splitting"]],
        "train-segmenter": [
            dump["segmenter"], dump["segmenter_training"], dump["crops"]["train_side"],
            dump["other_cameras"], dump["seed"],
        ],
        "segment": [dump["segmenter_tta"], dump["crops"]["halo"], dump["thresholds"]["probability"]],
        "evaluate": [],
    }  # fmt: skip
    keys: dict[StageName, str] = {}
    for stage, mine in settings_of.items():
        before = [keys[earlier] for earlier in BEFORE[stage]]
        keys[stage] = _digest([stage, before, mine, code_digest(MODULES[stage])])
    return keys


def stage_folder(home: Path, stage: StageName, key: str) -> Path:
    """Where a stage with this key leaves its files."""
    return home / "stages" / stage / key


def is_done(folder: Path) -> bool:
    """True when a stage has finished in `folder`; what a killed one left does not count."""
    return (folder / "done.json").is_file()


def run_stage(folder: Path, work: Callable[[Path], None]) -> Path:
    """Let `work` fill `folder`, and mark it as done once it has returned.

    Of two runs with equal settings at once one does the work; the other waits for it and does nothing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:  # the kernel lets go when the process ends, however it ends
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_done(folder):
            work(folder)
            write_whole(folder / "done.json", lambda path: path.write_text("{}"))
    return folder


def _weights_of(bundle: Path) -> dict[str, str | None]:
    """Digests of a bundle's weights alone: what else it says of itself trains nothing."""
    return {name: read_card(bundle).sha256.get(name) for name in (DETECTOR, SEGMENTER)}


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
