"""Temperatures folded into weights: the layer that gives logits gives them divided, so that calibration costs nothing.

Runtimes, exports and the bundle know nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

# The last convolution of each head, as its weights are named: nothing comes between it and the sigmoid.
SCORE_LOGITS, COARSE_LOGITS = "head.classification_head.cls_logits", "backbone.coarse_mask.out"  # of a detector
PIXEL_LOGITS = "segmentation_head.0"  # of a segmenter


def divide_logits(weights: Mapping[str, Tensor], temperatures: Mapping[str, float]) -> dict[str, Tensor]:
    """Weights of a network whose logits are those of `weights`, divided.

    Args:
        weights: by name; they are left as they are.
        temperatures: what to divide by, by layer.

    Raises:
        KeyError: there is no such layer.
    """
    divided = dict(weights)
    for layer, temperature in temperatures.items():
        for name in (f"{layer}.weight", f"{layer}.bias"):
            divided[name] = weights[name] / temperature
    return divided
