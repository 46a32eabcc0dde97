"""Pictures in batches whose memory is bounded: as many as pay at once, fewer of large ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

BATCH_PX = 6_000_000
"""Pixels of a batch at most: eight frames of 1024×640, or one photograph of 12 megapixels."""


def batched(pictures: Iterable[T], pixels_of: Callable[[T], float], most: int) -> Iterator[list[T]]:
    """Up to `most` pictures at a time with at most `BATCH_PX` together, or a single larger one.

    Nothing is read for a batch that is full, nor is a picture held here once its batch is given away.
    """
    batch: list[T] = []
    pixels = 0.0
    for picture in pictures:
        own = pixels_of(picture)
        if batch and pixels + own > BATCH_PX:
            yield batch
            batch, pixels = [], 0.0
        batch.append(picture)
        pixels += own
        del picture
        if len(batch) == most or pixels >= BATCH_PX:
            yield batch
            batch, pixels = [], 0.0
    if batch:
        yield batch
