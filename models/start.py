"""Where a training starts that does not start from ImageNet: the weights of a bundle, or those that fit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from models.bundle import load_bundle
from models.detector import build_detector
from models.detector_config import DetectorConfig
from models.errors import BundleError
from models.segmenter import SegmenterConfig

NOT_BUILT = {"weights"}  # what a configuration says besides how a network is built
MAY_DIFFER = {"space_to_depth", "head_convs", "deepest", "levels", "anchor_sizes", "second"}  # of detectors


def mean_of_starts(folders: Sequence[Path], config: DetectorConfig | SegmenterConfig) -> dict[str, Tensor]:
    """Mean of the weights of several bundles' networks of that kind; counters are the first's.

    Networks that have learnt from one start lie in one valley of the loss: their mean errs less than each of them
    (Wortsman et al. 2022, "Model soups", arXiv 2203.05482).

    Args:
        folders: of the bundles, at least one.
        config: of the network that is to be trained.

    Raises:
        BundleError: as of `starting_weights`.
    """
    first, *others = (starting_weights(folder, config) for folder in folders)
    return {
        name: torch.stack([each[name].float() for each in (first, *others)]).mean(0).to(weight.dtype)
        if weight.is_floating_point()
        else weight
        for name, weight in first.items()
        if all(name in other for other in others)
    }


def starting_weights(folder: Path, config: DetectorConfig | SegmenterConfig) -> dict[str, Tensor]:
    """Weights of the bundle's network of that kind, to go on training from.

    A detector may be of another size, with other levels, convolutions in its heads and stages of its encoder: it
    gets all that has the same shape, and the rest stays as built. Of a bundle with two detectors it gets those of the
    one with its ``space_to_depth``; where none has, the encoder's first convolution is among the rest.

    Raises:
        BundleError: there is no intact bundle, or its network is built differently or has a shorter encoder.
    """
    detector, segmenter, card = load_bundle(folder)
    if isinstance(config, SegmenterConfig):
        _check_alike(folder, config, card.segmenter, set())
        return segmenter.state_dict()
    n = config.space_to_depth
    if detector.second is not None and detector.second.config.space_to_depth == n != detector.config.space_to_depth:
        detector = detector.second
    _check_alike(folder, config, detector.config, MAY_DIFFER)
    wanted = build_detector(config.model_copy(update={"weights": "none", "second": None})).state_dict()
    weights = detector.state_dict()
    fitting = {name: weights[name] for name in wanted if name in weights and weights[name].shape == wanted[name].shape}
    encoder = [name for name in wanted if name.startswith("backbone.body.")]
    if absent := [name for name in encoder if name not in weights]:
        raise _cannot_start(folder, f"its detector is smaller, without {absent[0]}")
    return fitting


def _check_alike(
    folder: Path,
    wanted: DetectorConfig | SegmenterConfig,
    offered: DetectorConfig | SegmenterConfig,
    may_differ: set[str],
) -> None:
    theirs = offered.model_dump()
    ours = wanted.model_dump(exclude=NOT_BUILT | may_differ)
    if different := [name for name in ours if ours[name] != theirs.get(name)]:
        raise _cannot_start(folder, f"it differs in {', '.join(different)}")


def _cannot_start(folder: Path, why: str) -> BundleError:
    return BundleError(
        f"{folder} cannot be started from: {why}.",
        "Train both with the same preset and the same settings of the networks.",
    )
