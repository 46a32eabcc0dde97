"""Pixels ↔ metres of the road, for one camera and one size of photograph.

The road is flat. Its coordinates are ``(x, y)`` in metres: x to the right of the lane's axis, y ahead along it, from
the point of the road below the camera (or the picture's middle, where only a scale is known). Lens distortion is
taken off first, then a homography leads to the road (Hartley and Zisserman, Multiple View Geometry, 2nd ed., 8.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.arrays import Mask
from pipeline.placing.camera_file import Camera, Lens, Mounting

Points = NDArray[np.float64]

ASPECT_TOLERANCE = 0.01
"""A photograph whose sides differ by less than this from the camera's in ratio is the same picture, made smaller."""

EDGE_STEPS = 24
"""Points on each edge of a region: a lens bends straight edges."""


@dataclass(frozen=True, eq=False)
class RoadView:
    """How photographs of one size show the road.

    Attributes:
        plane: ``(3, 3)`` undistorted px → m, scaled so that what is in front of the horizon has a positive weight.
        lens: whose distortion is taken off before; None: none.
        magnified: px of the photograph a px of the camera file.
        region: ``(M, 2)`` px of the photograph: polygon that is road.
        lane: left and right edge, m; None where the file does not say.
        source: where the scale comes from, as the table ``cracks`` calls it.
        axis_deg: from where the camera looks, clockwise, to the lane's axis.
    """

    plane: Points
    lens: Lens | None
    magnified: float
    region: Points
    lane: tuple[float, float] | None
    source: str = "camera"
    axis_deg: float = 0.0

    def to_road(self, points: Points) -> Points:
        """``(N, 2)`` px → ``(N, 2)`` m; nan at and beyond the horizon."""
        flat = _undistort(np.asarray(points, np.float64).reshape(-1, 2) / self.magnified, self.lens)
        mapped = np.column_stack([flat, np.ones(len(flat))]) @ self.plane.T  # (N, 3)
        weight = np.where(mapped[:, 2:] > 0, mapped[:, 2:], np.nan)
        return np.asarray(mapped[:, :2] / weight)

    def to_picture(self, points: Points) -> Points:
        """``(N, 2)`` m → ``(N, 2)`` px."""
        mapped = np.column_stack([points, np.ones(len(points))]) @ np.linalg.inv(self.plane).T
        return _distort(mapped[:, :2] / mapped[:, 2:], self.lens) * self.magnified

    def jacobians(self, points: Points) -> Points:
        """``(N, 2)`` px → ``(N, 2, 2)`` m a px: columns are the road's steps for one px right and one px down."""
        points = np.asarray(points, np.float64).reshape(-1, 2)
        halves = 0.5 * np.eye(2)
        return np.stack([self.to_road(points + half) - self.to_road(points - half) for half in halves], axis=2)

    def footprint(self) -> Points:
        """Outline of the region on the road, ``(N, 2)`` m."""
        return self.to_road(along_edges(self.region))


def polygon_mask(corners: Points, height: int, width: int) -> Mask:
    """``(H, W)`` bool, True inside a polygon, ``(M, 2)`` px."""
    drawn = np.zeros((height, width), np.uint8)
    cv2.fillPoly(drawn, [np.round(corners - 0.5).astype(np.int32)], 1)
    return drawn.astype(bool)


class WrongSizeError(ValueError):
    """A photograph that this camera cannot have taken."""


@lru_cache(maxsize=64)
def view_of(
    camera: Camera, width: int, height: int, mm_per_px: float | None = None, source: str = "gsd"
) -> RoadView | None:
    """How a photograph of this size shows the road.

    Args:
        camera: of `pipeline.placing.camera_file`.
        width, height: of the photograph, px.
        mm_per_px: scale for a camera that looks down and has none of its own.
        source: of that scale.

    Returns:
        None where there is no scale.

    Raises:
        WrongSizeError: the photograph's sides do not have the ratio of the camera's.
    """
    magnified = magnification(camera, width, height)
    plane = _plane(camera)
    scale = camera.scale_mm_per_px or (None if camera.has_scale or camera.view == "forward" else mm_per_px)
    if scale is not None:
        # A scale of the file holds for its size, one that is told for the photograph holds for that.
        metres = scale / 1000 * (1 if camera.scale_mm_per_px else magnified)
        w, h = (width / magnified, height / magnified)
        plane = np.array([[metres, 0, -metres * w / 2], [0, -metres, metres * h / 2], [0, 0, 1.0]])
    if plane is None:
        return None
    edges = camera.lane.left_m, camera.lane.right_m
    return RoadView(
        _turned(camera.lane.axis_deg) @ plane,
        camera.lens,
        magnified,
        region_of(camera, width, height),
        None if edges[0] is None or edges[1] is None else (edges[0], edges[1]),
        "camera" if camera.has_scale else source,
        camera.lane.axis_deg,
    )


def magnification(camera: Camera, width: int, height: int) -> float:
    """Px of a photograph a px of the camera file; 1 where the file names no size.

    Raises:
        WrongSizeError: the photograph's sides do not have the ratio of the camera's.
    """
    if camera.size_px is None:
        return 1.0
    across, down = width / camera.size_px[0], height / camera.size_px[1]
    if abs(across / down - 1) > ASPECT_TOLERANCE:
        raise WrongSizeError(f"it has {width}×{height} px, the camera {camera.size_px[0]}×{camera.size_px[1]}")
    return across


def region_of(camera: Camera, width: int, height: int) -> Points:
    """Polygon of the photograph that is road, ``(M, 2)`` px; all of it where the file has no region.

    Raises:
        WrongSizeError: see `magnification`.
    """
    if camera.region is None:
        return np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
    return np.array(camera.region, np.float64) * magnification(camera, width, height)


def along_edges(polygon: Points, steps: int = EDGE_STEPS) -> Points:
    """Points along a closed polygon, `steps` an edge, ``(M, 2)`` → ``(M · steps, 2)``."""
    share = np.arange(steps)[:, None] / steps
    following = np.roll(polygon, -1, axis=0)
    return np.concatenate([a + share * (b - a) for a, b in zip(polygon, following, strict=True)])


def _plane(camera: Camera) -> Points | None:
    if camera.points is not None:
        pixels = np.array([point.pixel for point in camera.points])
        return _through_points(_undistort(pixels, camera.lens), np.array([point.road for point in camera.points]))
    if camera.mounting is not None and camera.lens is not None:
        return _from_mounting(camera.lens, camera.mounting)
    return None


def _through_points(pixels: Points, road: Points) -> Points:
    """Homography through four points."""
    for name, points in (("pixel", pixels), ("road", road)):
        size = np.ptp(points, axis=0).max() ** 2
        for left_out in range(4):
            a, b, c = np.delete(points, left_out, axis=0)
            if abs(np.cross(np.append(b - a, 0), np.append(c - a, 0))[2]) <= 1e-3 * size:
                raise ValueError(f"points: three of them lie on a line ({name}), so that they fix no plane")
    plane = np.asarray(cv2.getPerspectiveTransform(pixels.astype(np.float32), road.astype(np.float32)), np.float64)
    weights = np.column_stack([pixels, np.ones(4)]) @ plane[2]
    if not ((weights > 0).all() or (weights < 0).all()):
        raise ValueError("points: the horizon would run between them; check which pixel belongs to which road point")
    plane = plane if weights[0] > 0 else -plane
    # Right is right in both, but down in the picture is back on the road: a true view turns the sense of rotation.
    if np.linalg.det(plane) > 0:
        raise ValueError("points: the road would be seen from below; check their order, and that road is right, ahead")
    return plane


def _from_mounting(lens: Lens, mounting: Mounting) -> Points:
    """Inverse of K R [x, ahead, h·down] for a camera `height_m` over the road."""
    pitch, roll = np.radians([mounting.pitch_deg, mounting.roll_deg])
    down = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    clockwise = np.array([[np.cos(roll), np.sin(roll), 0], [-np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    road = np.array([[1, 0, 0], [0, 0, mounting.height_m], [0, 1, 0]])  # columns: x, ahead, the camera's own place
    matrix = _matrix(lens)
    plane: Points = np.linalg.inv(matrix @ clockwise @ down @ road)
    return plane if plane[2] @ matrix[:, 2] > 0 else -plane  # the lens's centre lies in front of the horizon


def _turned(axis_deg: float) -> Points:
    angle = np.radians(axis_deg)
    return np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])


def _matrix(lens: Lens) -> Points:
    """``(3, 3)`` for points in px from the picture's corner; OpenCV counts from the middle of the first pixel."""
    (fx, fy), (cx, cy) = lens.focal_px, lens.centre_px
    return np.array([[fx, 0, cx + 0.5], [0, fy, cy + 0.5], [0, 0, 1.0]])


def _undistort(points: Points, lens: Lens | None) -> Points:
    if lens is None or not lens.distortion or not len(points):
        return points
    matrix, ends = _matrix(lens), (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 40, 1e-9)
    found = cv2.undistortPoints(points[:, None], matrix, np.array(lens.distortion), R=None, P=matrix, criteria=ends)
    return np.asarray(found, np.float64).reshape(-1, 2)


def _distort(points: Points, lens: Lens | None) -> Points:
    if lens is None or not lens.distortion or not len(points):
        return points
    matrix, nothing = _matrix(lens), np.zeros(3)
    rays = np.column_stack([points, np.ones(len(points))]) @ np.linalg.inv(matrix).T
    found, _ = cv2.projectPoints(rays, nothing, nothing, matrix, np.array(lens.distortion))
    return np.asarray(found, np.float64).reshape(-1, 2)
