"""Samples that are made or read each time they are asked for: a part of a pool may be larger than memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import overload

from models.runtimes import LARGEST_BATCH
from pipeline.datasets.base import Sample


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


def batches_of(samples: Iterable[Sample]) -> Iterator[list[Sample]]:
    """Samples in batches of `LARGEST_BATCH`, as a survey takes photographs."""
    waiting = iter(samples)
    while batch := list(islice(waiting, LARGEST_BATCH)):
        yield batch
