"""Cracks of one picture, measured as its camera shows the road."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.arrays import Mask, Reals
from pipeline.measuring.cracks import measure
from pipeline.measuring.rows import crack_rows
from pipeline.measuring.settings import MeasureSettings
from pipeline.placing.camera_file import Camera
from pipeline.placing.lane_zones import zone_of
from pipeline.placing.photograph_view import OBLIQUE, Sight
from pipeline.placing.road import RoadView


def seen_cracks(
    name: str,
    probability: NDArray[np.float32] | None,
    mask: Mask,
    camera: Camera | None,
    sight: Sight,
    settings: MeasureSettings,
    level: float = 0.5,
    within: bool = False,
) -> list[dict[str, Any]]:
    """Rows of the table `cracks` of one picture.

    Args:
        name: of the picture.
        probability: ``(H, W)`` 0–1 that the mask was made of; None where somebody drew it.
        mask: ``(H, W)`` bool.
        camera: that took it; its lane's axis counts before that of `settings`.
        sight: of `pipeline.placing.photograph_view.sight_of`.
        settings: what counts as one crack.
        level: probability from which on a pixel is crack.
        within: see `pipeline.measuring.cracks.measure`.
    """
    if camera is not None:
        settings = settings.model_copy(update={"lane_axis_deg": camera.lane.axis_deg})
    rows = crack_rows(name, measure(probability, mask, settings, sight.view, level, within), sight.view)
    if sight.flag == OBLIQUE:  # angles in such a picture are not those of the road
        rows = [row | {"kind": None} for row in rows]
    return rows


def road_line(crack: Mapping[str, Any], view: RoadView) -> Reals:
    """Centre line of a crack, ``(N, 2)`` m right and ahead; its outline where it has no line."""
    flat = crack["line_px"] if crack["line_px"] is not None else crack["outline_px"]
    line = view.to_road(np.asarray(flat if flat is not None else [], np.float64).reshape(-1, 2))
    return np.asarray(line[np.isfinite(line).all(axis=1)])


def zone_in(kind: str | None, line: Reals, view: RoadView) -> str | None:
    """Zone of the lane that a crack lies in; None without a lane, and of those that R 85-18, 7.6, tells by none.

    Args:
        kind: of the crack.
        line: of `road_line`.
        view: how its picture shows the road.
    """
    if view.lane is None or not len(line) or kind in ("transverse", "pattern"):
        return None
    return zone_of(line, view.lane)
