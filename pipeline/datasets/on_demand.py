"""Samples that are made or read each time they are asked for: a part of a pool may be larger than memory."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import overload

from models.runtimes import LARGEST_BATCH
from pipeline.datasets.base import Sample
from pipeline.datasets.batches import batched


class OnDemand(Sequence[Sample]):
    """Samples by number; none is kept.

    Args:
        count: how many there are.
        load: gives the sample of a number from 0 up.
    """

    def __init__(self, count: int, load: Callable[[int], Sample]) -> None:
        self.length, self.load = count, load

    def __len__(self) -> int:
        return self.length

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> list[Sample]: ...
    def __getitem__(self, index: int | slice) -> Sample | list[Sample]:
        numbers = range(self.length)  # minds negative numbers and the end, as a list does
        if isinstance(index, slice):
            return [self.load(number) for number in numbers[index]]
        return self.load(numbers[index])


class Joined(OnDemand):
    """Several sequences of samples as one, one after the other."""

    def __init__(self, *parts: Sequence[Sample]) -> None:
        self.parts = parts
        self.starts = [0, *accumulate(len(part) for part in parts)]
        super().__init__(self.starts[-1], self._of_part)

    def _of_part(self, number: int) -> Sample:
        part = bisect_right(self.starts, number) - 1
        return self.parts[part][number - self.starts[part]]


def batches_of(samples: Iterable[Sample]) -> Iterator[list[Sample]]:
    """Samples in batches of `LARGEST_BATCH`, as a survey takes photographs (`pipeline.datasets.batches`)."""
    return batched(samples, lambda sample: sample.mask.size, LARGEST_BATCH)
