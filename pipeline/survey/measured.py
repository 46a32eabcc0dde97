"""The cracks of one photograph of a survey, measured while its probability map is at hand."""

from __future__ import annotations

from typing import Any

from pipeline.cascade.cascade import CascadeResult, CascadeThresholds
from pipeline.placing.photograph_view import sight_of
from pipeline.placing.seen_cracks import seen_cracks
from pipeline.storage.schemas import SCHEMAS
from pipeline.survey.listing.photographs import Photograph
from pipeline.survey.plan import Plan

MEASURED = tuple(
    field.with_nullable(True) for field in SCHEMAS["cracks"] if field.name not in ("name", "mask", "schema_version")
)
"""Columns of the table `cracks` that a chunk keeps within each photograph's row."""


def measured_rows(
    plan: Plan, photograph: Photograph, found: CascadeResult, thresholds: CascadeThresholds
) -> list[dict[str, Any]]:
    """Rows of the table `cracks`, without what the photograph's own row says.

    Args:
        plan: of the survey; tells the camera, or one scale for all photographs, and how cracks are measured.
        photograph: tells its own scale, where its manifest does.
        found: mask, and the probability it was made of.
        thresholds: of the cascade that found it.
    """
    height, width = found.mask.shape
    road = plan.settings.road
    sight = sight_of(plan.camera, width, height, photograph.gsd_mm_per_px, road.gsd_mm_per_px)
    level, within = thresholds.probability, thresholds.flank_share > 0
    rows = seen_cracks("", found.probability, found.mask, plan.camera, sight, road.measuring, level, within)
    for row in rows:
        del row["name"]
    return rows
