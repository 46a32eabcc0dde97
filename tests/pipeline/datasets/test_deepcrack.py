from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from models.errors import DataError
from pipeline.datasets.deepcrack import DeepCrack
from pipeline.datasets.splits import make_split

from .conftest import Maker


def test_names_parts_and_groups(make_deepcrack: Maker) -> None:
    dataset = DeepCrack(make_deepcrack())
    assert len(dataset) == 9
    assert dataset.official_test_names == ("test-11116-2", "test-11216", "test-40")
    assert dataset.group("train-11116-1") == dataset.group("train-11116") == dataset.group("test-11116-2")
    assert dataset.group("train-IMG_5-1") == "IMG_5"
    assert dataset.group("train-11158") == dataset.group("test-11216")
    assert dataset.negative_names == ()


def test_paper_split_is_the_official_test_without_scenes_in_training(make_deepcrack: Maker) -> None:
    dataset = DeepCrack(make_deepcrack())
    split = make_split(dataset, "paper", 1)
    assert split.test == dataset.official_test_names
    # 11116 and 11158 are shown by the official test part too.
    assert sorted(split.train + split.val) == ["train-20", "train-30", "train-IMG_5-1"]


def test_missing_mask(make_deepcrack: Maker) -> None:
    root = make_deepcrack()
    (root / "test_lab" / "40.png").unlink()
    with pytest.raises(DataError, match=r"40\.jpg has no mask in .*test_lab"):
        DeepCrack(root)


def test_real_data(datasets_root: Path) -> None:
    root = datasets_root / "deepcrack"
    if not root.is_dir():
        pytest.skip(f"no {root}")
    dataset = DeepCrack(root)
    assert (len(dataset), len(dataset.official_test_names)) == (537, 237)
    sizes = Counter(dataset.load(name).mask.shape for name in dataset.names[::9])
    assert set(sizes) == {(384, 544), (544, 384)}
    assert sizes.most_common(1)[0][0] == (384, 544)
    split = make_split(dataset, "paper", 2018)
    assert not {dataset.group(n) for n in split.test} & {dataset.group(n) for n in (*split.train, *split.val)}
