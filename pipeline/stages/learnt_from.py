"""What a run has learnt from, for its bundle to keep: hashes of all pictures, and what a spread of them is like."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.bundle import read_learnt
from models.learnt import Familiar, Learnt
from pipeline.arrays import Features, Image
from pipeline.cascade.familiarity import Look, describe, look_at
from pipeline.cascade.stage1 import Stage1
from pipeline.datasets import open_dataset
from pipeline.datasets.base import CrackDataset
from pipeline.datasets.likeness import alike, perceptual_hash
from pipeline.datasets.pool import Pool
from pipeline.datasets.windows import LIST
from pipeline.settings import RunSettings
from pipeline.stages.terms import start_folders
from pipeline.storage.stage_files import read_stage_json, read_stage_table

MOST_TRAINED, MOST_OTHERS = 240, 120  # pictures described, of those trained on and of the validation part
BRIGHTER, DARKER = 1.2, 0.8


def learnt_from(settings: RunSettings, prepared: Path, stage1: Stage1) -> Learnt:
    """What a run, and the bundles that it started from, have learnt from.

    Pictures are read on several threads, and as many are in memory as there are threads.

    Args:
        settings: of the run.
        prepared: folder of its stage *prepare*.
        stage1: as trained, whose encoder describes the pictures.
    """
    dataset = open_dataset(settings.dataset)
    trained, negatives, others = names_learnt(dataset, prepared)
    with ThreadPoolExecutor() as workers:  # decoding leaves the interpreter free
        own = list(workers.map(lambda name: perceptual_hash(dataset.load(name).image), (*trained, *negatives, *others)))
    starts = [read_learnt(folder) for folder in start_folders(settings)]
    hashes = [np.stack(own), *(start.hashes for start in starts if start is not None)]
    whole = all(start is not None and start.whole for start in starts)
    return Learnt(np.unique(np.concatenate(hashes), axis=0), whole, describe_part(dataset, trained, others, stage1))


def learnt_test_pictures(settings: RunSettings, prepared: Path) -> int | None:
    """How many test pictures the bundles that a run starts from have learnt from: its figures flatter it by them.

    Args:
        settings: of the run.
        prepared: folder of its stage *prepare*.

    Returns:
        How many; None where none is known and a bundle does not say all that it has learnt from.
    """
    earlier = [read_learnt(folder) for folder in start_folders(settings)]
    dataset = open_dataset(settings.dataset)
    names = read_stage_json(prepared / "split.json")["test"]
    hashes = [one.hashes for one in earlier if one is not None]
    known = pictures_learnt(dataset, names, Learnt(np.concatenate(hashes))) if hashes else []  # each picture read once
    return len(known) if known or all(one is not None and one.whole for one in earlier) else None


def pictures_learnt(dataset: CrackDataset, names: Sequence[str], learnt: Learnt) -> list[str]:
    """Those of the pictures that a bundle has learnt from, told by what is seen in them, whatever their files."""

    def is_known(name: str) -> bool:
        return bool(alike({name: perceptual_hash(dataset.load(name).image)}, known))

    known = {str(number): bits for number, bits in enumerate(learnt.hashes)}
    with ThreadPoolExecutor() as workers:
        found = list(workers.map(is_known, names))
    return [name for name, is_one in zip(names, found, strict=True) if is_one]


def names_learnt(dataset: CrackDataset, prepared: Path) -> tuple[list[str], list[str], list[str]]:
    """Pictures that a run's weights have learnt from; negatives likewise; and those that its thresholds were chosen on.

    Negatives are few and odd: of CrackForest's 84 the four made 70 % of DNIT familiar that is strange without them.
    """
    described = read_stage_json(prepared / "split.json")
    if isinstance(dataset, Pool):  # of its training part those that windows were cut from
        return sorted(set(read_stage_table(prepared / LIST)["sample"])), [], described["val"]
    return described["train"], described["negatives"], described["val"]


def describe_part(dataset: CrackDataset, trained: Sequence[str], others: Sequence[str], stage1: Stage1) -> Familiar:
    """What pictures are like, a spread of each part of a pool.

    Those trained on are taken as they are, half as large, and in turn upside down, brighter and darker: stage 1 has
    learnt that all this changes nothing.

    Args:
        dataset: theirs.
        trained: pictures that the weights have learnt from.
        others: pictures that they have not.
        stage1: whose encoder describes them.
    """
    features: list[Features] = []
    apart: list[Features] = []
    halved: list[Features] = []
    looks: list[Look] = []
    pooled = isinstance(dataset, Pool)
    for number, image in enumerate(_images(dataset, spread(trained, MOST_TRAINED, pooled))):
        looks.append(look_at(image))
        features += [_features(stage1, seen) for seen in (image, _half(image), _changed(image, number))]
    for image in _images(dataset, spread(others, MOST_OTHERS, pooled)):
        looks.append(look_at(image))
        apart.append(_features(stage1, image))
        halved.append(_features(stage1, _half(image)))
    return describe(features, apart, looks, halved)


def spread(names: Sequence[str], most: int, pooled: bool) -> list[str]:
    """At most so many names, evenly over them; of a pool as many of each part.

    >>> spread(["a--1", "b--1", "b--2", "b--3", "b--4"], 4, pooled=True)
    ['a--1', 'b--1', 'b--4']
    """
    by_part: dict[str, list[str]] = defaultdict(list)
    for name in sorted(names):
        by_part[Pool.label_of(name) if pooled else ""].append(name)
    kept: list[str] = []
    for part in by_part.values():
        count = min(len(part), max(1, most // len(by_part)))
        kept += [part[int(index)] for index in np.linspace(0, len(part) - 1, count)]
    return kept


def _images(dataset: CrackDataset, names: Sequence[str]) -> Iterator[Image]:
    return (dataset.load(name).image for name in names)


def _features(stage1: Stage1, image: Image) -> Features:
    (output,) = stage1.look([image])
    assert output.features is not None
    return output.features


def _half(image: Image) -> Image:
    height, width = image.shape[:2]
    size = max(1, width // 2), max(1, height // 2)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _changed(image: Image, number: int) -> Image:
    if number % 3 == 0:
        return np.ascontiguousarray(image[::-1])
    factor = BRIGHTER if number % 3 == 1 else DARKER
    changed: NDArray[np.float32] = image.astype(np.float32) * factor
    return np.asarray(changed.clip(0, 255), np.uint8)
