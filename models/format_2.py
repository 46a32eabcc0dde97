"""What bundles of the format before this one called things: their cards and weights are read under today's names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from models.errors import BundleError

FORMAT = "crack-survey bundle 2"

_DETECTOR = {"fold": "space_to_depth", "cells": "coarse_mask"}
_BOXES = {"least": "min_mass", "saving_px": "min_saving_px", "threshold": "threshold"}


# Settings of the detector that have become constants of `models.detector` and `models.detections`.
_CONSTANT: dict[str, Any] = {
    "anchor_scales": [1.0, 2 ** (1 / 3), 2 ** (2 / 3)],
    "anchor_ratios": [0.5, 1.0, 2.0],
    "foreground_iou": 0.5,
    "background_iou": 0.4,
    "nms_iou": 0.5,
    "max_detections": 300,
}


def convert_card(card: dict[str, Any], today: str, path: Path) -> dict[str, Any]:
    """A card of `FORMAT` under the names of the format `today`; of any other card only constants are left out.

    Raises:
        BundleError: the card, read from `path`, is of a later format than `today`.

    >>> old = {"format": FORMAT, "look_again": True, "cells": {"least": 6.0, "saving_px": 64}, "detector": {"fold": 2}}
    >>> new = convert_card(old, "crack-survey bundle 3", Path("bundle.json"))
    >>> new["detector"], new["coarse_boxes"], new["segmenter_tta"]
    ({'space_to_depth': 2}, {'min_mass': 6.0, 'min_saving_px': 64}, True)
    """
    if not isinstance(card, dict):
        return card
    if (later := _number(card.get("format"))) > _number(today):
        raise BundleError(
            f"{path} is of bundle format {later}, and this version of crack-survey reads none later than "
            f"{_number(today)}.",
            "Install the version that made the bundle, or a newer one.",
        )
    new = dict(card)
    if isinstance(detector := new.get("detector"), dict):
        new["detector"] = _convert_detector(detector)
    if card.get("format") != FORMAT:
        return new
    new["format"] = today
    if isinstance(boxes := new.pop("cells", None), dict):
        new["coarse_boxes"] = _renamed(boxes, _BOXES)
    tta = new.pop("look_again", False)
    return new | {"detector_tta": tta, "segmenter_tta": tta}


def _number(told: object) -> int:
    """Which format a card names; 0 where it names none."""
    found = re.fullmatch(r"crack-survey bundle (\d{1,9})", told) if isinstance(told, str) else None
    return 0 if found is None else int(found[1])


def rename_weights(weights: dict[str, Any], prefix: str) -> None:
    """Give the weights of the coarse mask's head below `prefix` the names they have today, in place."""
    old, new = f"{prefix}cells.", f"{prefix}coarse_mask."
    for name in [name for name in weights if name.startswith(old)]:
        weights[new + name.removeprefix(old)] = weights.pop(name)


def _convert_detector(detector: dict[str, Any]) -> dict[str, Any]:
    new = _renamed(detector, _DETECTOR)
    new = {name: value for name, value in new.items() if name not in _CONSTANT or value != _CONSTANT[name]}
    if isinstance(second := new.get("second"), dict):
        new["second"] = _convert_detector(second)
    return new


def _renamed(settings: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in settings.items()}
