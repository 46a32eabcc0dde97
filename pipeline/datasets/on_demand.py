"""Samples that are read from disk each time they are asked for: a part of a pool may be larger than memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

from pipeline.datasets.base import CrackDataset, Sample


class OnDemand(Sequence[Sample]):
    """Samples of a data set by name; none is kept."""

    def __init__(self, dataset: CrackDataset, names: Sequence[str]) -> None:
        self.dataset, self.names = dataset, names

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> list[Sample]: ...
    def __getitem__(self, index: int | slice) -> Sample | list[Sample]:
        names = self.names[index]
        return self.dataset.load(names) if isinstance(names, str) else [self.dataset.load(name) for name in names]
