"""Stage *prepare*: split the data set, turn masks into boxes, and say what these labels could reach at best."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.detector import build_detector
from models.detector_config import DetectorConfig
from models.errors import DataError, UsageError
from pipeline.datasets import open_dataset
from pipeline.datasets.base import CrackDataset, Sample
from pipeline.datasets.boxes import mask_to_boxes
from pipeline.datasets.large import WHOLE_PX, cut_large, cut_of, pixel_digest
from pipeline.datasets.on_demand import Joined, OnDemand
from pipeline.datasets.pool import Pool
from pipeline.datasets.pool_split import balance, check_apart
from pipeline.datasets.splits import PARTS, Split, make_split
from pipeline.datasets.windows import WITHIN, Windows, cut_windows
from pipeline.metrics import RegionCounts, anchor_recall, oracle, region_counts
from pipeline.settings import RunSettings, WindowSettings
from pipeline.stages.refusals import require_cracks, require_memory, require_size, tell_twice
from pipeline.stages.terms import sources_of
from pipeline.storage.stage_files import read_stage_json

log = logging.getLogger(__name__)

BOX_COLUMNS = ["x1_px", "y1_px", "x2_px", "y2_px"]


def prepare(settings: RunSettings, out: Path) -> None:
    """Write ``split.json``, ``boxes.parquet`` (name, part, box) and ``labels.json`` (the labels' own ceiling).

    Raises:
        DataError: a picture cannot be read or is tiny; the training or validation part, or a test part on its own, is
            without any crack; the training part does not fit into memory.
        UsageError: windows are set, and nothing is cut.
    """
    dataset = open_dataset(settings.dataset)
    split = make_split(dataset, settings.dataset.split, settings.dataset.split_seed)
    digests = {name: dataset.content_digest(name) for name in _read_later(dataset, split)}
    if isinstance(dataset, Pool):
        tell_twice(check_apart(dataset, split))
        split = balance(dataset, split, settings.dataset.windows.val_samples)
        cut_windows(dataset, split.train, settings.dataset.windows, settings.seed, out)
    large = cut_of(settings.dataset, dataset, split)
    seen = _cut(dataset, large, digests, settings, out)
    boxes, labels = _label(dataset, replace(split, train=_without(split.train, large)), seen, digests, settings, out)
    for note in dataset.notes:
        log.warning(note)
    require_cracks(boxes, settings.dataset)
    described = {
        "name": split.name,
        "dataset_fingerprint": dataset.fingerprint(),
        "split_fingerprint": split.fingerprint,
        "licence": dataset.licence,
        "commercial": dataset.commercial,
        "sources": list(sources_of(dataset)),
        "mm_per_px": dataset.mm_per_px if isinstance(dataset, Pool) else None,
        "negatives": list(dataset.negative_names if settings.dataset.use_negatives else ()),
        "clean": list(dataset.clean_names),
        "cut": list(large),
        **{part: list(split.part(part)) for part in PARTS},
        "digests": digests,
    }
    boxes.to_parquet(out / "boxes.parquet", index=False)
    (out / "labels.json").write_text(json.dumps(labels, indent=2))
    (out / "split.json").write_text(json.dumps(described, indent=2))


def _cut(
    dataset: CrackDataset, large: Sequence[str], digests: Mapping[str, str], settings: RunSettings, out: Path
) -> dict[bytes, str]:
    """Cut windows from large photographs; which they are, by `pixel_digest`."""
    windows = settings.dataset.windows
    if not isinstance(dataset, Pool) and windows.val_samples != WindowSettings().val_samples:
        raise UsageError("dataset.windows.val_samples does nothing for one data set.", "Leave it out; it is of a pool.")
    if large:
        return cut_large(dataset, large, lambda name: _unchanged(dataset, name, digests), windows, settings.seed, out)
    if not isinstance(dataset, Pool) and windows != WindowSettings():
        raise UsageError(
            f"dataset.windows does nothing here: no photograph to learn from has more than {WHOLE_PX:,} pixels.",
            "Leave it out; smaller ones are learnt from whole.",
        )
    return {}


def _without(names: Sequence[str], left_out: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in set(left_out))


def _label(
    dataset: CrackDataset,
    split: Split,
    trained: Mapping[bytes, str],
    digests: Mapping[str, str],
    settings: RunSettings,
    out: Path,
) -> tuple[pd.DataFrame, dict[str, float | None]]:
    """Boxes of every sample, and what these labels could reach; of each picture counts are kept, and no pixels.

    Photographs that stand on two sides are told of (of a pool `check_apart` has looked for them); `trained` are those
    that windows were cut from.
    """
    rows: list[tuple[object, ...]] = []  # plain numbers: an array a picture would pin the heap where its pixels were
    pooled = RegionCounts()
    shares, recalls, weights = [], [], []
    seen = {digest: (name, "train") for digest, name in trained.items()}
    twice: list[tuple[str, str, str, str]] = []
    held_bytes = 0
    for part in PARTS:
        for sample in _samples(dataset, split.part(part), part, out, digests, bool(trained)):
            if not isinstance(dataset, Pool) and WITHIN not in sample.name:  # windows: their pictures were compared
                first = seen.setdefault(pixel_digest(sample.image), (sample.name, part))
                if first[1] != part:
                    twice.append((*first, sample.name, part))
                if part == "train":
                    held_bytes += sample.image.nbytes + sample.mask.nbytes
            require_size(sample)
            boxes = mask_to_boxes(sample.mask, settings.labels)
            rows += [(*box, sample.name, part) for box in boxes.tolist()]
            pooled += region_counts(boxes, sample.mask, sample.ignore)
            shares.append(float(sample.mask.mean()))
            if len(boxes):
                recalls.append(anchor_recall(boxes, _anchors(settings.detector, sample.mask.shape)))
                weights.append(len(boxes))
    tell_twice(twice)
    require_memory(held_bytes, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    labels = {
        **oracle(pooled)._asdict(),
        "anchor_recall": float(np.average(recalls, weights=weights)) if recalls else None,
        "crack_share": float(np.mean(shares)),
        "images": len(shares),
    }
    return pd.DataFrame(rows, columns=[*BOX_COLUMNS, "name", "part"]), labels


def read_split(prepared: Path) -> Split:
    """Split that `prepare` wrote."""
    described = read_stage_json(prepared / "split.json")
    return Split(described["name"], *(tuple(described[part]) for part in PARTS))


def load_part(settings: RunSettings, prepared: Path, part: str) -> Sequence[Sample]:
    """Samples of one part, in the split's order; ``train`` takes the negatives along.

    The part ``clean`` are the crack-free pictures that the data set keeps for testing, often none. Samples are read as
    they are asked for, and none is kept but those of ``train``, which each epoch asks for. Windows, which of a pool's
    ``train`` and of large photographs stand for the pictures that they were cut from, lie on disk.
    """
    described = read_stage_json(prepared / "split.json")
    dataset = open_dataset(settings.dataset)
    digests = described.get("digests", {})
    if part != "train" or isinstance(dataset, Pool):
        return _samples(dataset, described[part], part, prepared, digests)
    whole = _without(described["train"] + described["negatives"], described["cut"])
    held = list(_samples(dataset, whole, part, prepared, digests))
    return Joined(held, Windows(prepared)) if described["cut"] else held


def _samples(
    dataset: CrackDataset,
    names: Sequence[str],
    part: str,
    prepared: Path,
    digests: Mapping[str, str],
    with_windows: bool = False,
) -> Sequence[Sample]:
    """Samples by name, read as they are asked for; of a training part the windows too, which are all of a pool's."""
    windows = [Windows(prepared)] if part == "train" and (with_windows or isinstance(dataset, Pool)) else []
    if windows and isinstance(dataset, Pool):
        return windows[0]
    whole = OnDemand(len(names), lambda number: _unchanged(dataset, names[number], digests))
    return Joined(whole, *windows) if windows else whole


def _read_later(dataset: CrackDataset, split: Split) -> tuple[str, ...]:
    """Names of the samples that later stages read from the data set itself; of a pool's training part windows lie."""
    trained = () if isinstance(dataset, Pool) else (*split.train, *dataset.negative_names)
    return (*trained, *split.val, *split.test, *dataset.clean_names)


def _unchanged(dataset: CrackDataset, name: str, digests: Mapping[str, str]) -> Sample:
    """Load a sample, if it is what it was when its stage's key was made: else what is found goes by another's key."""
    sample = dataset.load(name)
    if digests.get(name) not in (None, dataset.content_digest(name)):
        raise DataError(
            f"{name}: the photograph or its mask has changed while the run went on.",
            "Give the same command again: it begins with the data as they are now.",
        )
    return sample


def sets_of(settings: RunSettings, names: Sequence[str]) -> list[str]:
    """Data set that each sample belongs to: its part of a pool, else ``""``."""
    return [Pool.label_of(name) if settings.dataset.name == "pool" else "" for name in names]


def boxes_by_name(table: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    """Boxes ``(N, 4)`` xyxy px by sample name, in the table's order; names without a box are absent."""
    return {str(name): group[BOX_COLUMNS].to_numpy(np.float64) for name, group in table.groupby("name", sort=False)}


@cache
def _anchors(config: DetectorConfig, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Anchors that the detector would lay over a frame of this ``(H, W)``, ``(A, 4)`` xyxy px of the frame."""
    bare = config.model_copy(update={"weights": "none"})
    detector = build_detector(bare)
    anchors: NDArray[np.float32] = detector.anchors_for(shape[0], shape[1]).numpy()
    return anchors * np.float32(config.space_to_depth)
