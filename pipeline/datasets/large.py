"""Large photographs are learnt from in windows that lie on disk, as a pool's are: memory does not grow with them.

A batch of photographs of a phone's 12 megapixels would take 20 GB while a network trains on it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.arrays import Image
from pipeline.datasets.base import CrackDataset, Sample
from pipeline.datasets.pool import Pool
from pipeline.datasets.splits import Split
from pipeline.datasets.windows import Job, write_windows
from pipeline.settings import DatasetSettings, WindowSettings

WHOLE_PX = 2**21
"""Photographs of more pixels are cut; frames of a Full HD camera, four of which take 4 GB to train on, are not."""


def large_names(dataset: CrackDataset, names: Sequence[str]) -> tuple[str, ...]:
    """Those that are learnt from in windows.

    Args:
        dataset: no pool, all of which is cut.
        names: what is learnt from.
    """
    return tuple(name for name in names if dataset.pixels(name) > WHOLE_PX)


def cut_of(settings: DatasetSettings, dataset: CrackDataset, split: Split) -> tuple[str, ...]:
    """Photographs that a run learns from in windows for their size: none of a pool, all of which is cut."""
    negatives = dataset.negative_names if settings.use_negatives else ()
    return () if isinstance(dataset, Pool) else large_names(dataset, (*split.train, *negatives))


def windows_in(pixels: int, settings: WindowSettings) -> int:
    """How many windows are cut from so many pixels: as hold them once, at most as many as are set.

    >>> windows_in(12_000_000, WindowSettings())
    70
    """
    return min(settings.count, -(-pixels // (settings.width * settings.height)))


def cut_large(
    dataset: CrackDataset,
    names: Sequence[str],
    load: Callable[[str], Sample],
    settings: WindowSettings,
    seed: int,
    out: Path,
) -> dict[bytes, str]:
    """Cut windows from large photographs (`pipeline.datasets.windows.write_windows`), as many from each, one at least.

    Args:
        dataset: theirs.
        names: of `large_names`.
        load: reads one of them.
        settings: of the windows.
        seed: of every choice.
        out: folder to write to.

    Returns:
        The photographs by `pixel_digest`.
    """
    count = max(len(names), windows_in(sum(map(dataset.pixels, names)), settings))
    each, more = divmod(count, len(names))
    jobs = [Job(name, each + (number < more)) for number, name in enumerate(names)]
    digests = write_windows(jobs, load, settings, seed, out, lambda sample: pixel_digest(sample.image))
    return dict(zip(digests, names, strict=True))


def pixel_digest(image: Image) -> bytes:
    """Digest of a photograph's pixels, whatever its file."""
    return hashlib.blake2b(f"{image.shape}".encode() + image.tobytes()).digest()
