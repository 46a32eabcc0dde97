"""Where a training starts that does not start from ImageNet: the weights of a bundle, or those that fit."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from models.bundle import load_bundle
from models.detector import build_detector
from models.detector_config import DetectorConfig
from models.errors import BundleError
from models.segmenter import SegmenterConfig

NOT_BUILT = {"weights"}  # what a configuration says besides how a network is built
MAY_DIFFER = {"space_to_depth", "head_convs", "deepest", "levels", "anchor_sizes", "second"}  # of detectors


def starting_weights(folder: Path, config: DetectorConfig | SegmenterConfig) -> dict[str, Tensor]:
    """Weights of the bundle's network of that kind, to go on training from.

    A detector may be a smaller one of the same make: with heads of fewer convolutions, fewer levels, a shorter encoder.
    Of a bundle with two detectors it gets those of the one with its ``space_to_depth``. Where none has, it gets all
    that has the same shape, the heads whole and the encoder but for its first convolution; the rest stays as built.

    Raises:
        BundleError: there is no intact bundle, or its network is built differently.
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
    needed = [name for name in wanted if n == detector.config.space_to_depth or name.startswith("head.")]
    if absent := [name for name in needed if name not in fitting]:
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
