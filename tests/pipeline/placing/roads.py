"""Made-up photographs of made-up roads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import shapely

from pipeline.placing.camera_file import Camera
from pipeline.placing.geodesy import WGS84
from pipeline.placing.photograph_view import Sight, sight_of
from pipeline.placing.roadbook import Placed, make_roadbook
from pipeline.placing.sums import SectionSums

SIDE_PX = 400
"""Photographs are square."""

DOWN = Camera.model_validate({"view": "down", "scale_mm_per_px": 10, "lane": {"left_m": -1.75, "right_m": 1.75}})
"""4 m of road in every photograph, 10 mm a pixel."""

FORWARD = Camera.model_validate(
    {
        "view": "forward",
        "size_px": (SIDE_PX, SIDE_PX),
        "lens": {"focal_px": (300, 300), "centre_px": (200, 200)},
        "mounting": {"height_m": 2.0, "pitch_deg": 20},
        "region": ((0, 400), (0, 200), (400, 200), (400, 400)),
        "lane": {"left_m": -1.75, "right_m": 1.75},
    }
)


def sight(camera: Camera | None = DOWN) -> Sight:
    return sight_of(camera, SIDE_PX, SIDE_PX, None, None)


def photographs(chainages: list[float], **told: Any) -> pd.DataFrame:
    """Rows of ``images``, northwards from 10° N 20° E."""
    rows = []
    for number, chainage in enumerate(chainages):
        longitude, latitude, _ = WGS84.fwd(20.0, 10.0, 0.0, chainage)
        row = {"name": f"{number:03d}", "chainage_m": chainage, "latitude_deg": latitude, "longitude_deg": longitude}
        rows.append(row | {"width_px": SIDE_PX, "height_px": SIDE_PX} | told)
    columns = ["taken_at", "taken_local", "heading_deg", "heading_reference", "route_id", "direction", "lane"]
    frame = pd.DataFrame(rows)
    for column in (*columns, "gsd_mm_per_px"):
        if column not in frame:
            frame[column] = None
    return frame


def book(frame: pd.DataFrame, camera: Camera | None = DOWN) -> dict[str, Placed]:
    def viewer(width: int, height: int, manifest: float | None) -> Sight:
        return sight_of(camera, width, height, manifest, None)

    return make_roadbook(frame, viewer, None, None, camera is not None and camera.view == "forward")


def crack(number: int, line_px: np.ndarray | None, kind: str | None = "longitudinal", **told: Any) -> dict[str, Any]:
    line = None if line_px is None else np.asarray(line_px, float).reshape(-1).tolist()
    severities: dict[str, Any] = {"length_m": None, "severity_astm": "low", "severity_ltpp": "moderate"}
    return {"crack_id": number, "kind": kind, "line_px": line, "outline_px": None, "flags": None} | severities | told


def seen_cracks(placed: Placed, camera: Camera, road: np.ndarray, **told: Any) -> list[dict[str, Any]]:
    """The part of a crack of the road, ``(N, 2)`` m aside and chainage, that a photograph shows; dense points."""
    view = sight(camera).view
    assert view is not None
    ahead = np.column_stack([road[:, 0], placed.sense * (road[:, 1] - placed.chainage)])
    with np.errstate(all="ignore"):
        pixels = view.to_picture(ahead)
    back = view.to_road(pixels)
    inside = ((pixels >= 0) & (pixels <= SIDE_PX)).all(axis=1) & (np.abs(back - ahead) < 1e-3).all(axis=1)
    inside &= shapely.contains_xy(shapely.Polygon(view.region).buffer(1e-9), *np.nan_to_num(pixels).T)
    return [crack(0, pixels[inside], **told)] if inside.sum() > 1 else []


def summed(
    frame: pd.DataFrame, camera: Camera, road: np.ndarray, section_m: float = 10.0, **told: Any
) -> list[dict[str, Any]]:
    sums = SectionSums(section_m)
    for placed in book(frame, camera).values():
        sums.add(placed, sight(camera), seen_cracks(placed, camera, road, **told))
    return sums.rows()
