"""The detector's backbone: a timm encoder, a feature pyramid, and the head for the coarse mask beside it."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, NamedTuple

import timm
import torch
from torch import Tensor, nn
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

from models.backbones import TIMM_NAMES, load_encoder_weights
from models.coarse_mask import CoarseMaskHead
from models.detector_config import DetectorConfig
from models.format_2 import rename_weights


class Seen(NamedTuple):
    """What the backbone makes of a batch.

    Attributes:
        pyramid: finest level first.
        coarse_logits: ``(B, h', w')`` of the coarse mask; None without a head for it.
        features: ``(B, C)`` float32, the mean over all positions of each of the encoder's stages, one after another:
            what the pictures are like.
    """

    pyramid: OrderedDict[str, Tensor]
    coarse_logits: Tensor | None
    features: Tensor


class PyramidBackbone(nn.Module):
    """A timm encoder with a feature pyramid: ``(B, 3 n², h, w)`` → one ``(B, C, h / 2^l, w / 2^l)`` a level l.

    The pyramid always reaches up to ``config.deepest``, for its wide view, whichever levels are asked for.
    """

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        lowest = min(config.levels)
        first = config.coarse_stage if config.coarse_mask else lowest
        body = timm.create_model(
            TIMM_NAMES[config.backbone],
            features_only=True,
            out_indices=[stage - 1 for stage in range(first, config.deepest + 1)],
            in_chans=3 * config.space_to_depth**2,
        )
        channels: list[int] = body.feature_info.channels()  # type: ignore[union-attr, operator]
        load_encoder_weights(body, config.backbone, config.weights)
        self.skips = lowest - first
        extra = LastLevelP6P7(config.fpn_channels, config.fpn_channels) if max(config.levels) > 5 else None
        self.fpn = FeaturePyramidNetwork(channels[self.skips :], config.fpn_channels, extra_blocks=extra)
        self.coarse_mask = CoarseMaskHead(config.fpn_channels, channels[: self.skips]) if config.coarse_mask else None
        self.body = body
        self.out_channels = config.fpn_channels
        self.wanted = [level - lowest for level in config.levels]
        self.register_load_state_dict_pre_hook(_accept_names_of_format_2)  # type: ignore[no-untyped-call]

    def forward(self, x: Tensor) -> OrderedDict[str, Tensor]:
        """Pyramid of a normalised batch, finest level first."""
        return self.see(x).pyramid

    def see(self, x: Tensor) -> Seen:
        """All that there is to know of a normalised batch."""
        features = list(self.body(x))
        skips, deeper = features[: self.skips], features[self.skips :]
        pyramid = list(self.fpn(OrderedDict((str(i), f) for i, f in enumerate(deeper))).values())
        coarse = self.coarse_mask(pyramid[0], skips) if self.coarse_mask is not None else None
        wanted = OrderedDict((str(i), pyramid[i]) for i in self.wanted)
        means = [stage.float().mean(dim=(2, 3)) for stage in features]
        return Seen(wanted, coarse, torch.cat(means, dim=1))


def _accept_names_of_format_2(_: nn.Module, weights: dict[str, Any], prefix: str, *rest: Any) -> None:
    rename_weights(weights, prefix)
