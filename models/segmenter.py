"""Stage 2: a U-Net from segmentation_models_pytorch that turns pixels into crack logits."""

from __future__ import annotations

from typing import Annotated, cast

import segmentation_models_pytorch as smp
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from models.backbones import TIMM_NAMES, BackboneName, WeightsName, load_encoder_weights

MOST_HALO_PX = 128
"""Context around a box, at most: crops of `pipeline.cascade.crops.LONGEST_PX` have to hold twice as much and a box."""


class SegmenterConfig(BaseModel):
    """Architecture of the segmenter: all that is needed to build it again around its weights."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoder: BackboneName = "efficientnet_lite0"
    weights: WeightsName = Field("package", description="ImageNet weights that training starts from")
    decoder_channels: tuple[Annotated[int, Field(ge=1)], ...] = Field((128, 64, 32, 16), min_length=3, max_length=5)

    @property
    def multiple(self) -> int:
        """Sides of an input must be a multiple of this, px: the stride of the encoder's deepest stage."""
        return int(2 ** len(self.decoder_channels))


def build_segmenter(config: SegmenterConfig) -> nn.Module:
    """Build the U-Net: ``(B, 3, H, W)`` normalised → ``(B, 1, H, W)`` logits, H and W multiples of `multiple`."""
    model = smp.Unet(
        f"tu-{TIMM_NAMES[config.encoder]}",
        encoder_depth=len(config.decoder_channels),
        encoder_weights=None,
        decoder_channels=config.decoder_channels,
        in_channels=3,
        classes=1,
    )
    _drop_unused_blocks(model.encoder)
    load_encoder_weights(model.encoder, config.encoder, config.weights)
    return cast("nn.Module", model)


def _drop_unused_blocks(encoder: nn.Module) -> None:
    """Delete what lies beyond the deepest stage that the decoder reads: timm's EfficientNets keep and compute it."""
    network = cast("nn.Module", encoder.model)
    deepest = network.feature_info.module_name()[-1]  # type: ignore[union-attr, operator]
    if deepest.startswith("blocks."):
        last = int(deepest.removeprefix("blocks."))
        network.blocks = cast("nn.Sequential", network.blocks)[: last + 1]
