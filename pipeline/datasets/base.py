"""What every reader yields: a `Sample`, named, grouped and checked."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pipeline.arrays import Image, Labels, Mask

NOT_JUDGED = 255  # in `pipeline.arrays.Labels`


@dataclass(frozen=True, slots=True)
class Sample:
    """One photograph with its crack mask.

    Attributes:
        name: unique within its data set, such as ``"001"``; safe as a file name.
        group: samples of one group show the same scene; a split keeps them on one side.
        image: ``(H, W, 3)`` uint8 RGB, EXIF orientation applied.
        mask: ``(H, W)`` bool, True on crack pixels.
        ignore: ``(H, W)`` bool, True on pixels of which nobody can say whether they are crack: no loss and no metric
            counts them, and `mask` is False there. None where every pixel is to be judged.
    """

    name: str
    group: str
    image: Image
    mask: Mask
    ignore: Mask | None = None

    @property
    def labels(self) -> Labels:
        """Truth as one ``(H, W)`` uint8 picture: 1 on crack, `NOT_JUDGED` on ignored pixels, else 0."""
        labels = self.mask.astype(np.uint8)
        if self.ignore is not None:
            labels[self.ignore] = NOT_JUDGED
        return labels


class CrackDataset(ABC):
    """Named samples, read lazily. `names` are labelled; the others are crack-free pictures without a mask.

    `negative_names` may be trained on and are never part of a split's metrics; `clean_names` are never trained on and
    show how many boxes are found where there is nothing to find.
    """

    key: str
    title: str
    licence: str
    commercial: bool = False  # whether the licence allows commercial use; False where nothing is known

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """Labelled samples, sorted."""

    @property
    def negative_names(self) -> tuple[str, ...]:
        """Pictures known to be free of cracks, without a mask of their own, sorted."""
        return ()

    @property
    def clean_names(self) -> tuple[str, ...]:
        """Pictures known to be free of cracks that are kept for testing, sorted."""
        return ()

    @property
    def notes(self) -> list[str]:
        """What a user should know of how the masks loaded so far were read."""
        return []

    @abstractmethod
    def load(self, name: str) -> Sample:
        """Read one sample (a negative gets an all-False mask).

        Raises:
            models.errors.DataError: naming the file and the remedy.
        """

    def pixels(self, name: str) -> int:
        """How many pixels a sample has; a reader of files need not decode it for that."""
        return self.load(name).mask.size

    def group(self, name: str) -> str:
        """Scene that `name` shows; by default every sample is its own scene."""
        return name

    @abstractmethod
    def content_digest(self, name: str) -> str:
        """SHA-256 (hex) over the bytes that make up one sample."""

    def fingerprint(self) -> str:
        """SHA-256 (hex) over names and contents: equal fingerprints mean equal data, wherever it lies."""
        digest = hashlib.sha256(self.key.encode())
        for name in (*self.names, *sorted((*self.negative_names, *self.clean_names))):
            digest.update(f"{name}:{self.content_digest(name)};".encode())
        return digest.hexdigest()

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Sample]:
        return (self.load(name) for name in self.names)
