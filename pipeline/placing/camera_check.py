"""Whether a camera can be what its file says."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.measuring.scale import FINEST_MM
from pipeline.placing.camera_file import Camera, Lens
from pipeline.placing.road import RoadView, along_edges, region_of, view_of

Points = NDArray[np.float64]

FARTHEST_M = 1000.0  # of a mark on the road from the camera: beyond, it is in another unit
COARSEST_MM = 100.0  # of the finest pixel: no camera that is to find cracks hangs so high
WIDEST_LENS, NARROWEST_LENS = 0.09, 100.0  # focal length, in longer sides of the picture
FARTHEST_CENTRE = 2.5  # of a lens from the picture's middle, in sides of the picture
MOST_OFF_PX = 0.5  # of a pixel that is sent to the road and back


def check_camera(camera: Camera) -> None:
    """Refuse a camera that cannot be.

    Raises:
        ValueError: what is wrong: points on a line, out of the picture or in another order than on the road; a region
            that crosses itself, reaches over the horizon or out of the picture; a distortion that no lens has.
    """
    if camera.size_px is None:
        return
    width, height = camera.size_px
    _check_marks(camera, width, height)
    region = region_of(camera, width, height)
    if _crosses_itself(region):
        raise ValueError("region: its edges cross; give the corners in their order along the outline")
    if cv2.contourArea(region.astype(np.float32)) < 1:
        raise ValueError("region: its corners lie on a line")
    if (region < 0).any() or (region > (width, height)).any():
        raise ValueError(f"region: it reaches out of the picture of {width}×{height} px")
    _check_lens(camera.lens, width, height)
    view = view_of(camera, width, height)
    if view is not None:
        _check_view(view, along_edges(region))
        if camera.scale_mm_per_px is None:  # which has limits of its own
            _check_size(view, along_edges(region))


def _check_marks(camera: Camera, width: int, height: int) -> None:
    for number, point in enumerate(camera.points or (), start=1):
        u, v = point.pixel
        if not (0 <= u <= width and 0 <= v <= height):
            raise ValueError(f"points: pixel {number} ({u:g}, {v:g}) lies out of the picture of {width}×{height} px")
        if np.hypot(*point.road) > FARTHEST_M:
            x, y = point.road
            raise ValueError(f"points: road {number} ({x:g}, {y:g}) lies over {FARTHEST_M:g} m away; give metres")


def _check_lens(lens: Lens | None, width: int, height: int) -> None:
    """Of a lens that sees 160° and of one that sees half a degree; beyond both, its focal length is in another unit."""
    if lens is None:
        return
    longer = max(width, height)
    for focal in lens.focal_px:
        if not WIDEST_LENS * longer <= focal <= NARROWEST_LENS * longer:
            raise ValueError(f"lens.focal_px: no lens has {focal:g} px in a picture of {width}×{height} px; give px")
    u, v = lens.centre_px  # beyond the edge where the picture was cropped to the road
    if not (abs(u - width / 2) <= FARTHEST_CENTRE * width and abs(v - height / 2) <= FARTHEST_CENTRE * height):
        raise ValueError(
            f"lens.centre_px: ({u:g}, {v:g}) lies far out of the picture of {width}×{height} px; give px of the "
            "picture as it is"
        )


def _check_size(view: RoadView, outline: Points) -> None:
    """The finest pixel of the region must show a length of road that cracks can be seen in."""
    steps = np.linalg.norm(view.jacobians(outline), axis=1) * 1000  # (N, 2) mm a px, across and down
    finest = float(steps.min())
    if not FINEST_MM <= finest <= COARSEST_MM:
        raise ValueError(
            f"region: its finest pixel would show {finest:.3g} mm of road, and {FINEST_MM:g} to {COARSEST_MM:g} are "
            "possible; give heights and places in metres, the focal length in px"
        )


def _crosses_itself(polygon: Points) -> bool:
    """Whether two edges that do not follow each other cross."""
    count = len(polygon)
    edges = [(polygon[k], polygon[(k + 1) % count]) for k in range(count)]
    apart = [(i, j) for i in range(count) for j in range(i + 2, count) if (i, j) != (0, count - 1)]
    return any(_cross(*edges[i], *edges[j]) for i, j in apart)


def _cross(a: Points, b: Points, c: Points, d: Points) -> bool:
    """Whether the stretch from a to b crosses that from c to d, all ``(2,)``; to touch is not to cross."""
    sides = [_side(a, b, c) * _side(a, b, d), _side(c, d, a) * _side(c, d, b)]
    return max(sides) < 0


def _side(a: Points, b: Points, c: Points) -> float:
    return float((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))


def _check_view(view: RoadView, outline: Points) -> None:
    road = view.to_road(outline)
    known = np.isfinite(road).all(axis=1)
    off = np.hypot(*(view.to_picture(road[known]) - outline[known]).T)
    if len(off) and not off.max() <= MOST_OFF_PX:
        u, v = outline[known][np.argmax(np.nan_to_num(off, nan=np.inf))]
        raise ValueError(
            f"lens.distortion: at pixel ({u:.0f}, {v:.0f}) of the region no ray fits it; calibrate the lens with marks "
            "out to the corners, or let the region end before"
        )
    beyond = outline[~known]
    if len(beyond):
        u, v = beyond[np.argmin(beyond[:, 1])]
        raise ValueError(
            f"region: the horizon lies inside it, near pixel ({u:.0f}, {v:.0f}); let it end below the horizon, and "
            "see that pitch_deg is in degrees and focal_px in px"
        )
