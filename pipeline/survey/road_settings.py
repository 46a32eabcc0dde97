"""How photographs lie on the road, and how their cracks are measured and summed, as one pydantic model."""

from __future__ import annotations

from pydantic import Field, ValidationInfo, field_validator

from pipeline.measuring.scale import check_scale
from pipeline.measuring.settings import MeasureSettings
from pipeline.placing.clock import clock_offset
from pipeline.placing.section_length import section_metres
from pipeline.settings import HomePath, Settings
from pipeline.survey.listing.addresses import not_empty


class RoadSettings(Settings):
    """From pixels to metres and places; all of it may be left out, and then cracks are measured in pixels."""

    camera: HomePath | None = Field(None, description="Camera file, YAML: scale, region that is road, lane")
    gsd_mm_per_px: float | None = Field(None, description="Length of road that a pixel shows, mm, of all photographs")
    track: HomePath | None = Field(None, description="GPX track of the vehicle")
    clock_offset: str | None = Field(None, description="Added to the camera's clock: seconds, or +HH:MM[:SS]")
    measuring: MeasureSettings = Field(MeasureSettings(), description="What counts as one crack")
    section: str = Field("100m", description="Length of a section: 100m, 0.1mi or plain metres")

    @field_validator("camera", "track", mode="before")
    @classmethod
    def _is_told(cls, given: object, field: ValidationInfo) -> object:
        return not_empty(given, field.field_name)

    @field_validator("clock_offset", "section")
    @classmethod
    def _can_be_read(cls, given: str | None, field: ValidationInfo) -> str | None:
        if given is not None:
            _ = section_metres(given) if field.field_name == "section" else clock_offset(given)
        return given

    @field_validator("gsd_mm_per_px")
    @classmethod
    def _is_a_scale(cls, given: float | None) -> float | None:
        if given is not None:
            check_scale(given)
        return given

    @property
    def offset_s(self) -> float | None:
        """`clock_offset` in seconds."""
        return None if self.clock_offset is None else clock_offset(self.clock_offset)
