"""Photographs of a survey whose scale is known are looked at as their bundle knows roads best."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np

from pipeline.cascade.scale import NEAR, factor_to
from pipeline.placing.photograph_view import sight_of
from pipeline.survey.plan import Plan
from pipeline.survey.process import Picture


def at_known_scale(pictures: Iterable[Picture], plan: Plan, known_mm: float | None) -> Iterator[Picture]:
    """Pictures, each with the factor that brings it near the scale that the bundle knows.

    Args:
        pictures: as they were read.
        plan: of the survey; tells the camera, or one scale for all photographs.
        known_mm: mm a pixel, of the bundle's card; None: every picture is looked at as it is.
    """
    for picture in pictures:
        if known_mm is None or picture.image is None:
            yield picture
        else:
            height, width = picture.image.shape[:2]
            told = scale_told(plan, picture.photograph.gsd_mm_per_px, height, width)
            yield picture._replace(factor=factor_to(known_mm, told, (height, width)))


def scale_told(plan: Plan, manifest_mm: float | None, height: int, width: int) -> float | None:
    """Scale of a photograph in its middle, mm a pixel, by the same source as its cracks are measured with.

    None where nobody tells it, and of a camera that looks ahead: every row of its pictures has another.
    """
    if plan.camera is not None and plan.camera.view == "forward":
        return None
    view = sight_of(plan.camera, width, height, manifest_mm, plan.settings.road.gsd_mm_per_px).view
    if view is None:
        return None
    (jacobian,) = view.jacobians(np.array([[width / 2, height / 2]]))
    mm = round(1000 * math.sqrt(abs(float(np.linalg.det(jacobian)))), 9)  # what was told, without noise of floats
    return mm if math.isfinite(mm) and mm > 0 else None


def told_of_scale(plan: Plan, known_mm: float | None) -> str:
    """What a survey that was given a scale does with it beside measuring, for people; empty where it was given none.

    Args:
        plan: of the survey.
        known_mm: mm a pixel, of the bundle's card.
    """
    ahead = plan.camera is not None and plan.camera.view == "forward"
    own = plan.camera is not None and plan.camera.has_scale
    if ahead or (plan.settings.road.gsd_mm_per_px is None and not own):
        return ""
    if known_mm is None:
        return "The bundle does not say which scale it knows best: photographs are looked at as they are."
    return (
        f"The bundle knows roads best at {known_mm:.3g} mm a pixel: photographs {NEAR:g} times finer or coarser, and "
        "more, are resampled before they are looked at, and measured in their own pixels."
    )
