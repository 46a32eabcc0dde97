"""The detector's second head, which gives the coarse mask: the probability of crack of squares a few px wide."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn


class BoxSplitting(BaseModel):
    """Where a box around part of the coarse mask is split in two."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    min_mass: float = Field(
        6, gt=0, description="Sum of the coarse mask, in its pixels, that either part of a box must hold to be split"
    )
    min_saving_px: int = Field(64, ge=0, description="Area that a split must leave out, px")


class CoarseBoxes(BoxSplitting):
    """How boxes are drawn around the coarse mask."""

    threshold: float = Field(0.004, ge=0, le=1, description="Pixels of the coarse mask at or above it are in a box")


class CoarseMaskHead(nn.Module):
    """Way back up from the finest pyramid level to the stage of the coarse mask, as in U-Net (Ronneberger et al. 2015).

    Far narrower than a segmenter: the coarse mask need not be exact, it must only overlook nothing.

    Args:
        pyramid_channels: of the finest pyramid level.
        skips: channels of the encoder's stages below that level, finest first, each at twice the next one's resolution.
    """

    def __init__(self, pyramid_channels: int, skips: Sequence[int]) -> None:
        super().__init__()
        widths = [16 * 2**stage for stage in range(len(skips))]
        wider = [*widths[1:], pyramid_channels]
        self.narrow = nn.ModuleList(nn.Conv2d(i, o, 1) for i, o in zip(wider, widths, strict=True))
        self.lateral = nn.ModuleList(nn.Conv2d(i, o, 1) for i, o in zip(skips, widths, strict=True))
        self.smooth = nn.ModuleList(_smooth(width) for width in widths)
        self.out = nn.Conv2d(widths[0], 1, 1)
        nn.init.constant_(self.out.bias, -2.0)  # type: ignore[arg-type]  # most of a road holds no crack

    def forward(self, pyramid: Tensor, skips: Sequence[Tensor]) -> Tensor:
        """Logits of the coarse mask.

        Args:
            pyramid: ``(B, C, h, w)``, the finest level.
            skips: the encoder's stages below it, finest first: ``(B, C', 2 h, 2 w)`` and so on.

        Returns:
            ``(B, h', w')``, of the finest stage's size.
        """
        x = pyramid
        for stage in reversed(range(len(skips))):
            raised = F.interpolate(self.narrow[stage](x), scale_factor=2.0, mode="nearest")
            x = self.smooth[stage](raised + self.lateral[stage](skips[stage]))
        logits: Tensor = self.out(x)[:, 0]
        return logits


def _smooth(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
