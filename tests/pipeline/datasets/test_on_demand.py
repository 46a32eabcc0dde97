"""Batches of samples: eight small ones, and never many pixels of large ones at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from pipeline.datasets.base import Sample
from pipeline.datasets.batches import BATCH_PX
from pipeline.datasets.on_demand import Joined, OnDemand, batches_of


def sample_of(number: int, height: int, width: int) -> Sample:
    return Sample(f"s{number}", "g", np.zeros((height, width, 3), np.uint8), np.zeros((height, width), bool))


@pytest.mark.parametrize(
    ("size", "counts"),
    [((320, 480), [8, 8, 4]), ((640, 1024), [8, 8, 4]), ((1080, 1920), [2] * 10), ((3000, 4000), [1] * 20)],
)
def test_a_batch_holds_eight_pictures_and_few_pixels(size: tuple[int, int], counts: list[int]) -> None:
    assert [len(batch) for batch in batches_of(OnDemand(20, lambda number: sample_of(number, *size)))] == counts


def test_order_is_kept_and_no_more_is_read_than_fits() -> None:
    read: list[str] = []

    def reading() -> Iterator[Sample]:
        for number, side in enumerate((100, 3000, 100, 3000, 100)):
            read.append(f"s{number}")
            yield sample_of(number, side, side)

    seen = []
    for batch in batches_of(reading()):
        assert len(read) <= len(seen) + len(batch) + 1
        seen += [sample.name for sample in batch]
        assert len(batch) == 1 or sum(sample.mask.size for sample in batch) <= BATCH_PX
    assert seen == read


def test_parts_one_after_the_other_are_one_sequence() -> None:
    joined = Joined([sample_of(0, 8, 8)], OnDemand(2, lambda number: sample_of(number + 1, 8, 8)))
    assert [sample.name for sample in joined] == ["s0", "s1", "s2"]
    assert joined[-1].name == "s2"
    assert [sample.name for sample in joined[:2]] == ["s0", "s1"]
