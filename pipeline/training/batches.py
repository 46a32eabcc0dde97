"""Seeded batches: an item depends on seed, epoch and index alone, not on what was drawn before it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

MOST_WORKERS = 8  # a GPU is not faster than that many cores can make items for it


class SeededItems(Dataset[Any]):
    """Items of one epoch, each made under a random state of its own."""

    def __init__(self, make: Callable[[int], Any], count: int, seed: int, epoch: int) -> None:
        self.make = make
        self.count = count
        self.start = (seed * 1_009 + epoch) * 1_000_003

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed((self.start + index) % 2**63)
            return self.make(index)


def epoch_loader(
    make: Callable[[int], Any],
    count: int,
    batch: int,
    seed: int,
    epoch: int,
    collate: Callable[[list[Any]], Any],
    workers: int = 0,
) -> DataLoader[Any]:
    """Shuffled batches of one epoch; a last short batch is dropped, since batch statistics of one item mislead.

    Args:
        make: item of an index, drawing from torch's global random state.
        count: items in the epoch.
        batch: items a batch; fewer items than that give one short batch.
        seed: of the training.
        epoch: counted from 0.
        collate: list of items → batch.
        workers: processes that make items; none: this one does. The batches are the same.
    """
    generator = torch.Generator().manual_seed(seed * 7_919 + epoch)
    return DataLoader(
        SeededItems(make, count, seed, epoch),
        batch_size=min(batch, count),
        shuffle=True,
        generator=generator,
        collate_fn=collate,
        drop_last=True,
        num_workers=workers,
    )


def workers_beside(device: torch.device) -> int:
    """How many processes make items while a network trains on `device`: none on the CPU, all of which it takes."""
    return 0 if device.type == "cpu" else min(MOST_WORKERS, len(os.sched_getaffinity(0)) - 1)


def batches_in(count: int, batch: int) -> int:
    """Batches that `epoch_loader` yields.

    >>> batches_in(10, 4), batches_in(3, 4)
    (2, 1)
    """
    return count // min(batch, count)
