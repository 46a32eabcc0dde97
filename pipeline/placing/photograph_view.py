"""Which scale a photograph has: of its camera, else of the manifest, else one for all."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from pipeline.placing.camera_file import Camera
from pipeline.placing.road import RoadView, WrongSizeError, view_of

OBLIQUE, NO_SCALE, WRONG_SIZE = "view=oblique", "no scale", "not the camera's size"
LANE_UNSEEN = "lane not in the picture"

DOWN = Camera(view="down")


class Sight(NamedTuple):
    """How a photograph shows the road.

    Attributes:
        view: None without a scale: no millimetres, kind or severity.
        flag: why there is none, or that it goes without the camera's lane; "" where neither.
    """

    view: RoadView | None
    flag: str


def sight_of(
    camera: Camera | None, width: int, height: int, manifest_mm: float | None, mm_per_px: float | None
) -> Sight:
    """How a photograph of this size shows the road.

    Args:
        camera: of the survey, where there is one; its own scale counts first.
        width, height: px.
        manifest_mm: mm a pixel that the manifest tells of this photograph; counts next.
        mm_per_px: the same for all photographs; counts last.
    """
    told = manifest_mm is not None and not math.isnan(manifest_mm)
    scale, source = (manifest_mm, "manifest") if told else (mm_per_px, "gsd")
    try:
        view = view_of(camera or DOWN, width, height, scale, source)
    except WrongSizeError:
        return Sight(None, WRONG_SIZE)
    if view is not None:
        return _with_lane(view)
    return Sight(None, OBLIQUE if camera is not None and camera.view == "forward" else NO_SCALE)


@lru_cache(maxsize=64)
def _with_lane(view: RoadView) -> Sight:
    """A lane beside what the camera sees is a mistake in its file: all of the road counts, as if none were told."""
    if view.lane is None:
        return Sight(view, "")
    aside = view.footprint()[:, 0]
    if aside.min() < view.lane[1] and view.lane[0] < aside.max():
        return Sight(view, "")
    return Sight(replace(view, lane=None), LANE_UNSEEN)


Viewer = Callable[[int, int, float | None], Sight]
"""Width and height in px and the manifest's mm a pixel → how that photograph shows the road."""
