"""What a bundle has learnt from, in one small file beside its weights: which pictures, and what they are like."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save_file

from models.errors import BundleError
from models.given import read_given

LEARNT = "learnt.safetensors"
HASH_BYTES = 32  # of `pipeline.datasets.likeness.perceptual_hash`
MOST_BYTES = 64_000_000  # hashes of two million pictures
MOST_BANK, MOST_AXES, MOST_CHANNELS = 10_000, 1_000, 10_000
ARRAYS = ("mean", "axes", "scales", "bank")

Numbers = NDArray[np.float32]


class Familiar(NamedTuple):
    """What the pictures are like that a bundle has learnt from (`pipeline.cascade.familiarity` makes and asks it).

    Attributes:
        mean: ``(C,)`` of the features of stage 1's encoder (`pipeline.arrays.Features`).
        axes: ``(C, D)`` of length 1, along which features differ most.
        scales: ``(D + 1,)``, deviation along each axis, and beside all of them.
        bank: ``(M, D)``, pictures on these axes, in deviations.
        farthest: distance to the bank up to which a picture is like them.
        darkest: mean grey level from which up a picture is not too dark, 0–255.
        plainest: texture from which up there is a road to be seen, grey levels.
        most_blur: up to which a picture is not too blurred, 0–1.
    """

    mean: Numbers
    axes: Numbers
    scales: Numbers
    bank: Numbers
    farthest: float
    darkest: float
    plainest: float
    most_blur: float


@dataclass(frozen=True)
class Learnt:
    """What a bundle has learnt from.

    Attributes:
        hashes: ``(N, 32)`` uint8, the perceptual hash of every picture that shaped its weights or its thresholds, those
            of the bundles that it started from with them.
        whole: all those bundles could say theirs; else there may be more.
        familiar: None where nobody has described the pictures.
    """

    hashes: NDArray[np.uint8]
    whole: bool = True
    familiar: Familiar | None = None


def write_learnt(learnt: Learnt, path: Path) -> None:
    """Write the file; the bank and its axes in half precision, which is far finer than pictures differ."""
    tensors: dict[str, NDArray[Any]] = {"hashes": learnt.hashes, "whole": np.array([learnt.whole], np.uint8)}
    if (familiar := learnt.familiar) is not None:
        tensors |= {name: getattr(familiar, name) for name in ARRAYS}
        tensors |= {name: tensors[name].astype(np.float16) for name in ("axes", "bank")}
        tensors["limits"] = np.array(familiar[len(ARRAYS) :], np.float32)
    save_file({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}, path)


def parse_learnt(path: Path) -> Learnt:
    """Read the file.

    Raises:
        BundleError: it cannot be read or does not hold what it should.
    """
    try:
        tensors = load(read_given(path, MOST_BYTES))
        hashes = tensors["hashes"]
        if hashes.dtype != np.uint8 or hashes.shape != (len(hashes), HASH_BYTES):
            raise ValueError(f"hashes {hashes.dtype} {hashes.shape}")
        return Learnt(hashes, bool(tensors["whole"].all()), _familiar(tensors))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise BundleError(f"{path} cannot be read: {error}", "It is damaged: copy the bundle again.") from error


def _familiar(tensors: dict[str, NDArray[Any]]) -> Familiar | None:
    if "limits" not in tensors:
        return None
    given = [tensors[name].astype(np.float32) for name in (*ARRAYS, "limits")]
    mean, axes, scales, bank, limits = given
    (channels, width), pictures = axes.shape, len(bank)
    shapes = [(channels,), (channels, width), (width + 1,), (pictures, width), (4,)]
    small = channels <= MOST_CHANNELS and width <= MOST_AXES and 0 < pictures <= MOST_BANK
    sound = all(bool(np.isfinite(array).all()) for array in given) and bool((scales > 0).all())
    if not (small and sound and [array.shape for array in given] == shapes):
        raise ValueError(f"axes {axes.shape}, bank {bank.shape} and what belongs to them do not fit")
    return Familiar(mean, axes, scales, bank, *limits.tolist())
