"""Is a photograph like those that a bundle has learnt from? If not, what the cascade says of it is worth little."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from models.learnt import Familiar
from pipeline.arrays import Features, Image

Why = Literal["dark", "no road", "blurred", "unlike"]

AXES, NEAREST = 24, 5
RESIDUAL = 0.5
"""What a deviation that lies on none of the axes counts, against those along them."""

USUAL = 0.95
"""Share of pictures known to be alike that lie near enough."""

EXTREME = 0.02
DARKER, PLAINER, MORE_BLUR = 0.5, 0.15, 0.12
"""Of the darkest and plainest pictures learnt from; beyond the most blurred. Twice as large, a sharp photograph gains
0.1 of blur; out of focus by 2 px or moved by 9 px it gains 0.2 (CrackForest and DNIT, 60 pictures each)."""

LOOK_PX, BLUR_PX = 192, 11


class Look(NamedTuple):
    """What can be said of a picture without a network.

    Attributes:
        brightness: mean grey level, 0–255.
        texture: mean difference of a pixel from its surroundings, grey levels.
        blur: 0 (sharp) to 1.
    """

    brightness: float
    texture: float
    blur: float


def look_at(image: Image) -> Look:
    """Brightness of a whole picture; texture and blur of `LOOK_PX` in the middle, low where roads lie in any view.

    Blur after Crete et al. 2007, "The blur effect", as scikit-image's `blur_effect` has it, which takes ten times as
    long: how little is lost where a picture is blurred again. It is of the picture's own pixels, which cracks are found
    in, and depends on nothing else that is seen.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
    """
    height, width = image.shape[:2]
    top = min(max(0, 2 * height // 3 - LOOK_PX // 2), max(0, height - LOOK_PX))
    left = max(0, (width - LOOK_PX) // 2)
    part = cv2.cvtColor(image[top : top + LOOK_PX, left : left + LOOK_PX], cv2.COLOR_RGB2GRAY).astype(np.float32)
    around = cv2.blur(part, (BLUR_PX, BLUR_PX), borderType=cv2.BORDER_REFLECT)
    blur = max(_blur(part, (1, 0)), _blur(part, (0, 1)))
    return Look(_brightness(image), float(np.abs(part - around).mean()), blur)


def describe(
    features: Sequence[Features], others: Sequence[Features], looks: Sequence[Look], halved: Sequence[Features] = ()
) -> Familiar:
    """What pictures are like, for `why_unfamiliar`.

    Args:
        features: of the pictures learnt from, and of those pictures changed in ways that change nothing.
        others: of pictures that are like them and not among them: how far they lie tells how far is still alike.
        looks: of pictures of both kinds.
        halved: of the others at half their size, which are to be familiar as well.
    """
    known = np.stack(features).astype(np.float64)  # (N, C)
    mean = known.mean(axis=0)
    _, spread, axes = np.linalg.svd(known - mean, full_matrices=False)
    variance = spread**2 / len(known)
    kept = max(1, min(AXES, len(variance) // 2))
    along = np.sqrt(variance[:kept] + 0.05 * variance[:kept].mean() + 1e-12)
    beyond = np.sqrt(variance[kept:].sum() + 1e-12) / (RESIDUAL * np.sqrt(kept))
    brightness, texture, blur = np.array(looks).T
    familiar = Familiar(
        mean=mean.astype(np.float32),
        axes=axes[:kept].T.astype(np.float32),
        scales=np.array([*along, beyond], np.float32),
        bank=((known - mean) @ axes[:kept].T / along).astype(np.float32),
        farthest=0.0,
        darkest=float(DARKER * np.quantile(brightness, EXTREME)),
        plainest=float(PLAINER * np.quantile(texture, EXTREME)),
        most_blur=float(np.quantile(blur, 1 - EXTREME) + MORE_BLUR),
    )
    apart, halves = ([distance(familiar, one) for one in given] for given in (others, halved))
    near = max(np.quantile(apart, USUAL), np.quantile([*apart, *halves], USUAL))
    return familiar._replace(farthest=float(near))


def distance(familiar: Familiar, features: Features) -> float:
    """How far a picture lies from what is familiar: the mean distance to the nearest in the bank, and beside its axes.

    Raises:
        ValueError: the features are of another encoder.
    """
    if features.shape != familiar.mean.shape:
        raise ValueError(f"features {features.shape} of another encoder than {familiar.mean.shape}")
    off = features - familiar.mean
    on_axes = off @ familiar.axes
    beside = max(0.0, float(off @ off - on_axes @ on_axes)) / float(familiar.scales[-1]) ** 2
    apart = np.linalg.norm(familiar.bank - on_axes / familiar.scales[:-1], axis=1)
    nearest = np.partition(apart, min(NEAREST, len(apart)) - 1)[:NEAREST]
    return float(np.sqrt(nearest.mean() ** 2 + beside))


def why_unfamiliar(familiar: Familiar, features: Features, look: Look) -> Why | None:
    """In a word, why a picture is unlike what a bundle has learnt from; None where it is not."""
    if look.brightness < familiar.darkest:
        return "dark"
    if look.texture < familiar.plainest:
        return "no road"
    if look.blur > familiar.most_blur:
        return "blurred"
    return "unlike" if distance(familiar, features) > familiar.farthest else None


def _brightness(image: Image) -> float:
    """Mean grey level of every fourth pixel of every fourth row."""
    return float(cv2.cvtColor(np.ascontiguousarray(image[::4, ::4]), cv2.COLOR_RGB2GRAY).mean())


def _blur(grey: NDArray[np.float32], along: tuple[int, int]) -> float:
    """Share of the differences along x ``(1, 0)`` or y that stays where the picture is blurred along it."""
    again = cv2.blur(grey, (BLUR_PX, 1) if along[0] else (1, BLUR_PX), borderType=cv2.BORDER_REFLECT)
    sharp, blurred = (np.abs(cv2.Sobel(one, cv2.CV_32F, *along))[2:-1, 2:-1] for one in (grey, again))
    total = float(sharp.sum())
    return 1 - float(np.maximum(0, sharp - blurred).sum()) / total if total else 1.0
