"""How cracks are measured: the few things about which agencies differ."""

from __future__ import annotations

from pydantic import Field

from pipeline.settings import Settings


class MeasureSettings(Settings):
    """What counts as one crack, and from where its direction is told."""

    gap_px: float = Field(16.0, ge=0, le=1000, description="Fragments of one crack lie no farther apart than this, px")
    turn_deg: float = Field(
        20.0, ge=0, le=90, description="… and each turns to the other by no more than this across 11 px, degrees"
    )
    lane_axis_deg: float = Field(
        0.0, ge=-180, le=180, description="Direction of travel in the picture, clockwise from straight up, degrees"
    )
    pattern_px: float = Field(64.0, gt=0, description="Side of the squares that pattern areas are looked for in, px")
    pattern_m: float = Field(0.5, gt=0, description="… and the same where there is a scale, m")
