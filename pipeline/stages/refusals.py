"""What stage *prepare* refuses to learn from, or tells of, before hours are spent on it."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import pandas as pd

from models.errors import DataError
from pipeline.datasets.base import CrackDataset, Sample
from pipeline.datasets.splits import PARTS
from pipeline.settings import DatasetSettings

log = logging.getLogger(__name__)

LEAST_SIDE_PX = 8

MOST_MEMORY = 0.7
"""Share of the machine's memory that training photographs may take; networks, batches and the system need the rest."""


def tell_twice(twice: Sequence[tuple[str, str, str, str]]) -> None:
    """Tell of photographs, each as name, side, other name and side, that would make the figures too good."""
    if twice:
        log.warning(
            "%d photographs stand on two sides of the split under two names (%s in %s is %s in %s): the figures are "
            "too good. Remove one of each.",
            len(twice),
            *twice[0],
        )


def require_size(sample: Sample) -> None:
    """Augmentation cannot blur a line of pixels, and would say so in the middle of a training."""
    height, width = sample.image.shape[:2]
    if min(height, width) < LEAST_SIDE_PX:
        raise DataError(
            f"{sample.name} is {width}×{height} px, too small to hold a crack.",
            f"Remove it: both sides need {LEAST_SIDE_PX} px.",
        )


def require_memory(held_bytes: int, machine_bytes: int) -> None:
    """Training holds photographs that it learns from whole, for hours: better refused now than killed then."""
    if held_bytes > MOST_MEMORY * machine_bytes:
        raise DataError(
            f"The training photographs take {held_bytes / 1e9:.1f} GB in memory, and this machine has "
            f"{machine_bytes / 1e9:.1f} GB.",
            "Make a pool of this one data set: --dataset pool cuts windows from its photographs and reads them from "
            "disk (data/README.md, Learning from several).",
        )


def require_cracks(boxes: pd.DataFrame, dataset: DatasetSettings) -> None:
    """A network learns nothing where nothing is to be found, looks perfect there, and gets thresholds to find nothing.

    The test part of a fold may be clean: its pictures count in the pool of all five.
    """
    for part in PARTS if dataset.split == "paper" else ("train", "val"):
        if not (boxes["part"] == part).any():
            raise DataError(
                f"No picture of the {part} part of {dataset.root or dataset.name} has a crack.",
                "See with `crack-survey data info` how its masks are read; --mask-values says which values are crack. "
                "Where few pictures have any, add some, or deal them anew: --set dataset.split_seed=1.",
            )


def require_unchanged(dataset: CrackDataset, fingerprint: str) -> None:
    """Refuse to record figures under the fingerprint of data that have changed while they were measured.

    Raises:
        DataError: they have.
    """
    if dataset.fingerprint() != fingerprint:
        raise DataError(
            f"{dataset.title}: photographs or masks have changed while they were measured; nothing is recorded.",
            "Give the same command again when nothing writes there any more.",
        )
