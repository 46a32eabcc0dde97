"""Fingerprints of stages: equal keys mean equal data, settings and code, so the result can be used again."""

from __future__ import annotations

import ast
import fcntl
import hashlib
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Literal

from models.bundle import read_card
from pipeline.datasets import open_dataset
from pipeline.datasets.splits import make_split
from pipeline.settings import RunSettings
from pipeline.storage.atomic import write_whole

StageName = Literal["prepare", "train-detector", "detect", "crop", "train-segmenter", "segment", "evaluate"]

ROOT = Path(__file__).resolve().parents[2]
_DATA = [*(f"pipeline/datasets/{name}.py" for name in ("base", "pairs", "pictures")), "pipeline/datasets/splits.py"]
_LOOP = [
    "pipeline/training/loop.py",
    "pipeline/training/snapshots.py",
    "pipeline/training/batches.py",
    "pipeline/training/augment.py",
    "models/backbones.py",
]
_BOXES = [
    "pipeline/cascade/coarse_boxes.py",
    "pipeline/cascade/split_boxes.py",
    "pipeline/cascade/stage1.py",
    "pipeline/cascade/stage1_output.py",
    "pipeline/cascade/tiles.py",
    "models/detections.py",
    "models/detector_config.py",
    "models/pyramid.py",
    "models/coarse_mask.py",
    "models/detector.py",
    "models/suppression.py",
]
_CASCADE = [
    *_BOXES,
    "pipeline/cascade/cascade.py",
    "pipeline/cascade/crops.py",
    "pipeline/cascade/fusion.py",
    "pipeline/cascade/packing.py",
    "pipeline/cascade/stage2.py",
    "pipeline/cascade/tta.py",
    "models/segmenter.py",
]

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

# Source files whose change makes a stage's earlier results stale; a stage also inherits those of the ones before it.
SOURCES: dict[StageName, list[str]] = {
    "prepare": [*_DATA, "pipeline/datasets/boxes.py", "pipeline/stages/prepare.py"],
    "train-detector": [
        *_LOOP,
        "models/detector.py",
        "models/detector_config.py",
        "models/pyramid.py",
        "models/coarse_mask.py",
        "pipeline/datasets/boxes.py",
        "pipeline/training/losses.py",
        "pipeline/training/detector.py",
        "pipeline/stages/train_detector.py",
        "models/start.py",
    ],  # not what draws boxes around the coarse mask: it says how validation looks, and no epoch is chosen by that
    "detect": [*_CASCADE, "pipeline/training/operating_point.py", "pipeline/stages/detector.py"],
    "crop": [*_BOXES, "pipeline/cascade/crops.py", "pipeline/stages/crop.py"],
    "train-segmenter": [
        *_LOOP,
        "models/segmenter.py",
        "pipeline/cascade/packing.py",
        "pipeline/training/segmenter.py",
        "pipeline/training/losses.py",
        "models/start.py",
    ],
    "segment": [*_CASCADE, "pipeline/metrics/segmentation.py", "pipeline/stages/segmenter.py"],
    "evaluate": ["pipeline/metrics", "pipeline/stages/evaluation.py"],
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
            training["start"] = read_card(Path(training["start"])).sha256
    settings_of: dict[StageName, Any] = {
        "prepare": [
            _source_digest(_reader(settings.dataset.name)),
            dataset.fingerprint(), split.fingerprint, dump["dataset"]["use_negatives"], dump["labels"], anchors,
            *([dump["dataset"]["windows"], dump["dataset"]["parts"], dump["seed"]] if settings.dataset.parts else []),
        ],
        "train-detector": [detector, dump["detector_augment"], trainings, dump["seed"]],
        "detect": [
            device_type, dump["detector_tta"], dump["box_splitting"],
            {k: v for k, v in dump["thresholds"].items() if k != "probability"},
        ],
        "crop": [dump["box_splitting"]],
        "train-segmenter": [
            dump["segmenter"], dump["segmenter_training"], dump["crops"]["train_side"],
            dump["seed"],
        ],
        "segment": [dump["segmenter_tta"], dump["crops"]["halo"], dump["thresholds"]["probability"]],
        "evaluate": [],
    }  # fmt: skip
    keys: dict[StageName, str] = {}
    for stage, mine in settings_of.items():
        before = [keys[earlier] for earlier in BEFORE[stage]]
        keys[stage] = _digest([stage, before, mine, [_source_digest(path) for path in SOURCES[stage]]])
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


def _reader(dataset: str) -> str:
    return "pipeline/datasets/generated" if dataset == "sample" else f"pipeline/datasets/{dataset}.py"


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


@cache
def _source_digest(path: str) -> str:
    source = ROOT / path
    files = sorted(source.rglob("*.py")) if source.is_dir() else [source]
    digest = hashlib.sha256()
    for file in files:
        digest.update(ast.dump(_Undocumented().visit(ast.parse(file.read_bytes()))).encode())
    return digest.hexdigest()


class _Undocumented(ast.NodeTransformer):
    """Drops every bare text, that is, docstrings: what is said of code does not change what it does."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        return None if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str) else node
