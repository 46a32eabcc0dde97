"""The detector's architecture as settings."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.backbones import BackboneName, WeightsName

Level = Annotated[int, Field(ge=2, le=7)]
NORM_GROUPS = 8
"""Groups of channels that the heads normalise together."""


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

    @model_validator(mode="after")
    def _can_be_built(self) -> Self:
        self.check()
        return self

    def check(self) -> None:
        """Make sure that there is such a network.

        Raises:
            ValueError: the settings contradict each other.
        """
        if len(self.anchor_sizes) != len(self.levels):
            raise ValueError(f"{len(self.anchor_sizes)} anchor sizes for {len(self.levels)} levels: give one a level")
        if len(set(self.levels)) < len(self.levels):
            raise ValueError("a level stands there twice")
        if self.coarse_mask and min(self.levels) <= self.coarse_stage:
            raise ValueError(f"the lowest level must lie above {self.coarse_stage}, the stage of the coarse mask")
        if self.deepest < 5 and max(self.levels) > self.deepest:
            raise ValueError(f"no pyramid level {max(self.levels)} above the encoder's stage {self.deepest}")
        if self.head_norm == "group" and self.fpn_channels % NORM_GROUPS:
            raise ValueError(f"fpn_channels must be a multiple of {NORM_GROUPS} where head_norm is group")
        if self.second and self.second.second:
            raise ValueError("two detectors are joined, not three: the second has none of its own")
        if (second := self.second) and (second.coarse_mask, second.coarse_px) != (self.coarse_mask, self.coarse_px):
            raise ValueError(
                f"coarse masks of {self.coarse_px} and {second.coarse_px} px cannot be joined: make them the same"
            )

    @property
    def coarse_stage(self) -> int:
        """The encoder's stage whose size the coarse mask has: the first of at least 4 px of the full frame."""
        return 2 if self.space_to_depth == 1 else 1

    @property
    def coarse_px(self) -> int:
        """Side of a pixel of the coarse mask, px of the full frame."""
        return int(2**self.coarse_stage * self.space_to_depth)
