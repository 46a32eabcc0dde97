"""A broken network is told: its weights and its answers hold finite numbers only, else "no crack" would be a guess."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from models.errors import BundleError


def check_weights(weights: Mapping[str, Tensor], name: str) -> None:
    """Refuse weights that are not all finite.

    Raises:
        BundleError: naming the first that is not, and `name`, the file.
    """
    broken = next((key for key, value in weights.items() if not bool(torch.isfinite(value).all())), None)
    if broken is not None:
        raise BundleError(
            f"{name} holds numbers that are not finite, in {broken}.",
            "Its training went wrong or it is damaged: copy it again, or train anew.",
        )


def check_answers(answers: Iterable[Tensor | None], stage: str) -> None:
    """Refuse what a network says where a number of it is not finite: scores that are no numbers pass no threshold.

    Raises:
        BundleError: naming the stage.
    """
    if not all(bool(torch.isfinite(answer).all()) for answer in answers if answer is not None):
        raise BundleError(
            f"{stage} answered with numbers that are not finite, so nothing is known of this photograph.",
            "If many fail so, the bundle is broken: train it anew, or take another.",
        )
