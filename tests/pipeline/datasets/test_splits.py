from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import DataError, UsageError
from pipeline.datasets.base import CrackDataset, Sample
from pipeline.datasets.splits import FOLDS, PARTS, SPLITS, Split, make_split, select


class Fake(CrackDataset):
    """Names and scenes only; scene i holds ``sizes[i]`` samples."""

    key = "fake"
    title = "Fake"
    licence = "none"

    def __init__(self, sizes: list[int]) -> None:
        self.scene = {f"{i:03d}-{j:02d}": f"scene {i}" for i, size in enumerate(sizes) for j in range(size)}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self.scene))

    @property
    def negative_names(self) -> tuple[str, ...]:
        return ("negative",)

    def group(self, name: str) -> str:
        return self.scene[name]

    def load(self, name: str) -> Sample:
        return Sample(name, self.group(name), np.zeros((1, 1, 3), np.uint8), np.zeros((1, 1), bool))

    def content_digest(self, name: str) -> str:
        return name


SIZES = st.lists(st.integers(1, 12), min_size=6, max_size=40)
CRACKFOREST = [3] + [2] * 9 + [1] * 96


@given(SIZES, st.sampled_from(SPLITS), st.integers(0, 2**32))
def test_parts_are_disjoint_cover_all_and_keep_scenes_whole(sizes: list[int], name: str, seed: int) -> None:
    dataset = Fake(sizes)
    split = make_split(dataset, name, seed)
    parts = [split.part(part) for part in PARTS]
    assert all(parts)
    assert sorted(sum(parts, ())) == list(dataset.names)
    assert all(part == tuple(sorted(part)) for part in parts)
    scenes = [{dataset.group(n) for n in part} for part in parts]
    assert sum(map(len, scenes)) == len(sizes)


@given(SIZES, st.integers(0, 2**32))
def test_test_parts_of_the_folds_cover_all_once(sizes: list[int], seed: int) -> None:
    dataset = Fake(sizes)
    tests = [make_split(dataset, fold, seed).test for fold in FOLDS]
    assert sorted(sum(tests, ())) == list(dataset.names)
    assert max(map(len, tests)) - min(map(len, tests)) <= max(sizes)


@given(st.integers(0, 2**32))
def test_paper_is_80_20_17_on_crackforest(seed: int) -> None:
    split = make_split(Fake(CRACKFOREST), "paper", seed)
    assert [len(split.part(part)) for part in PARTS] == [80, 20, 17]


@given(st.integers(40, 400), st.integers(0, 99))
def test_shares_scale(count: int, seed: int) -> None:
    split = make_split(Fake([1] * count), "paper", seed)
    assert abs(len(split.test) - count * 17 / 117) <= 0.5
    assert abs(len(split.val) - count * 20 / 117) <= 0.5


@pytest.mark.parametrize("fold", FOLDS)
def test_folds_of_crackforest(fold: str) -> None:
    split = make_split(Fake(CRACKFOREST), fold, 2018)
    assert len(split.test) in (23, 24)
    assert len(split.val) == 19


@given(SIZES, st.sampled_from(SPLITS), st.integers(0, 2**32))
def test_equal_seeds_give_equal_splits(sizes: list[int], name: str, seed: int) -> None:
    assert make_split(Fake(sizes), name, seed) == make_split(Fake(sizes), name, seed)


def test_other_seeds_give_other_splits() -> None:
    for name in SPLITS:
        assert len({make_split(Fake(CRACKFOREST), name, seed).fingerprint for seed in range(8)}) == 8


def test_every_scene_is_tested_by_some_seed() -> None:
    dataset = Fake(CRACKFOREST)
    seen = {name for seed in range(80) for name in make_split(dataset, "paper", seed).test}
    assert seen == set(dataset.names)


def test_fingerprint_is_stable_and_follows_the_parts() -> None:
    split = Split("paper", ("a", "b"), ("c",), ("d",))
    assert split.fingerprint == "695896d09d0abcf667351cbda8fe23006e88cfed726585e633f3b5e1b38da802"
    assert Split("fold0", ("a", "b"), ("c",), ("d",)).fingerprint == split.fingerprint
    assert Split("paper", ("a",), ("b", "c"), ("d",)).fingerprint != split.fingerprint
    assert make_split(Fake(CRACKFOREST), "paper", 2018).fingerprint.startswith("f99372978f39bf36")


def test_select() -> None:
    dataset = Fake(CRACKFOREST)
    assert select(dataset, "all", 1) == dataset.names
    assert select(dataset, "paper-test", 1) == make_split(dataset, "paper", 1).test
    assert select(dataset, "fold3-val", 1) == make_split(dataset, "fold3", 1).val


@pytest.mark.parametrize(
    "call",
    [
        lambda d: select(d, "paper", 1),
        lambda d: select(d, "paper-", 1),
        lambda d: select(d, "fold5-test", 1),
        lambda d: select(d, "everything", 1),
        lambda d: make_split(d, "folds", 1),
        lambda d: make_split(d, "", 1),
        lambda d: make_split(d, "paper", 1).part("dev"),
    ],
)
def test_unknown_names(call: Callable[[CrackDataset], object]) -> None:
    with pytest.raises(UsageError, match="Choose"):
        call(Fake(CRACKFOREST))


@pytest.mark.parametrize(("sizes", "name"), [([9, 9], "paper"), ([5] * 4, "fold0"), ([], "paper")])
def test_too_few_scenes(sizes: list[int], name: str) -> None:
    with pytest.raises(DataError, match="scenes"):
        make_split(Fake(sizes), name, 1)


@pytest.mark.parametrize("sizes", [[1, 1, 10], [10, 1, 1], [50, 50, 50], [1] * 6])
def test_few_scenes_still_give_every_part(sizes: list[int]) -> None:
    split = make_split(Fake(sizes), "paper", 3)
    assert all(split.part(part) for part in PARTS)


def test_of_few_samples_more_validate() -> None:
    """Thresholds come from them: five pictures give any."""
    dataset = Fake([1] * 48)
    dataset.official_test_names = dataset.names[:19]  # type: ignore[attr-defined]
    split = make_split(dataset, "paper", 2018)
    assert (len(split.train), len(split.val), len(split.test)) == (20, 9, 19)
    assert len(make_split(Fake([1] * 50), "fold0", 2018).val) == 10
