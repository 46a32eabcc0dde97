"""The detector's architecture as settings."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from models.backbones import BackboneName, WeightsName

Level = Annotated[int, Field(ge=2, le=7)]


class DetectorConfig(BaseModel):
    """Architecture of the detector: all that is needed to build it again around its weights."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    backbone: BackboneName = "efficientnet_lite0"
    weights: WeightsName = Field("package", description="ImageNet weights that training starts from")
    space_to_depth: Literal[1, 2, 4] = Field(2, description="Blocks of n × n px become channels of one pixel")
    levels: tuple[Level, ...] = Field(
        (3, 4, 5), min_length=1, max_length=6, description="Pyramid levels; level n has stride 2^n"
    )
    deepest: Literal[4, 5] = Field(5, description="The encoder's last stage in use, of stride 2^n")
    fpn_channels: int = Field(64, ge=8)
    head_convs: int = Field(2, ge=1, le=4)
    head_norm: Literal["group", "none"] = "group"
    anchor_sizes: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        (12, 24, 48), description="Side of the square anchor of each level, px after space to depth"
    )
    box_loss: Literal["giou", "l1"] = "giou"
    coarse_mask: bool = Field(
        True, description="A second head gives a coarse mask, and boxes are drawn around that (models.coarse_mask)"
    )
    second: DetectorConfig | None = Field(
        None,
        description="Another detector with a coarse mask of the same size, trained by itself: what both say is joined",
    )

    @property
    def coarse_stage(self) -> int:
        """The encoder's stage whose size the coarse mask has: the first of at least 4 px of the full frame."""
        return 2 if self.space_to_depth == 1 else 1

    @property
    def coarse_px(self) -> int:
        """Side of a pixel of the coarse mask, px of the full frame."""
        return int(2**self.coarse_stage * self.space_to_depth)
