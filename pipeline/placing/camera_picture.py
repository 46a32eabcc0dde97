"""A camera file drawn over a photograph, for a person to judge: region, metric grid, and the road seen from above."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.arrays import Image
from pipeline.placing.camera_file import Camera
from pipeline.placing.road import Points, RoadView, region_of, view_of

FARTHEST_M = 40.0
"""How far the road is drawn from above; further off a row of pixels is metres long."""

LONGEST_PX, GRID_LINES, STEPS = 1400, 20, (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
GRID, LANE, OUTSIDE = (60, 200, 255), (255, 190, 60), 0.35


def draw_camera(camera: Camera, image: Image) -> Image:
    """The photograph with what the camera file says, and beside it the rectified view.

    Args:
        camera: of `pipeline.placing.camera_file.read_camera`.
        image: ``(H, W, 3)`` uint8 RGB.

    Returns:
        ``(h, w, 3)`` uint8 RGB; without the rectified view where the camera has no scale.

    Raises:
        pipeline.placing.road.WrongSizeError: the photograph's sides do not have the ratio of the camera's.
    """
    height, width = image.shape[:2]
    region = region_of(camera, width, height)
    drawn = _darkened(image, region)
    view = view_of(camera, width, height)
    if view is None:
        return drawn
    low, high = extent(view)
    step = grid_step(high - low)
    stroke = max(1, round(max(height, width) / 900))
    for line in grid_lines(low, high, step):
        _polyline(drawn, view.to_picture(line), GRID, stroke)
    above, metre = rectify(view, image, low, high)
    for line in grid_lines(low, high, step):
        _polyline(above, _above(line, low, high, metre), GRID, 1)
    for edge in view.lane or ():
        line = np.column_stack([np.full(200, edge), np.linspace(low[1], high[1], 200)])
        _polyline(drawn, view.to_picture(line), LANE, 2 * stroke)
        _polyline(above, _above(line, low, high, metre), LANE, 2)
    _label(above, low, high, metre, step)
    return beside(drawn, above)


def extent(view: RoadView) -> tuple[Points, Points]:
    """Lowest and highest x, y of the region on the road, m; not further than `FARTHEST_M` ahead and aside."""
    outline = view.footprint()
    return np.maximum(outline.min(axis=0), -FARTHEST_M / 2), np.minimum(outline.max(axis=0), FARTHEST_M)


def grid_step(size: Points) -> float:
    """Metres between two lines, so that there are at most `GRID_LINES` each way.

    >>> grid_step(np.array([3.5, 20.0])), grid_step(np.array([1.2, 0.9]))
    (1.0, 0.1)
    """
    return next((step for step in STEPS if max(size) / step <= GRID_LINES), STEPS[-1])


def grid_lines(low: Points, high: Points, step: float) -> Iterator[Points]:
    """Lines of a grid through the origin, each as ``(200, 2)`` m."""
    for axis in (0, 1):
        along = np.linspace(low[1 - axis], high[1 - axis], 200)
        for at in np.arange(np.ceil(low[axis] / step), np.floor(high[axis] / step) + 1) * step:
            line = np.empty((200, 2))
            line[:, axis], line[:, 1 - axis] = at, along
            yield line


def rectify(view: RoadView, image: Image, low: Points, high: Points) -> tuple[Image, float]:
    """The road from above, ahead at the top, and its px a metre; black where the photograph does not reach."""
    size = high - low
    metre = LONGEST_PX / max(size)
    columns, rows = (max(2, round(side * metre)) for side in size)
    x = low[0] + (np.arange(columns) + 0.5) / metre
    y = high[1] - (np.arange(rows) + 0.5) / metre
    seen = view.to_picture(np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)).reshape(rows, columns, 2) - 0.5
    seen = seen.astype(np.float32)
    above = cv2.remap(image, seen[..., 0], seen[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(above, np.uint8), float(metre)


def beside(left: Image, right: Image) -> Image:
    """Two pictures at one height, a gap between."""
    height = min(max(left.shape[0], right.shape[0]), LONGEST_PX)
    sized = []
    for picture in (left, right):
        width = max(1, round(picture.shape[1] * height / picture.shape[0]))
        sized.append(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA))
    gap = np.full((height, 12, 3), 255, np.uint8)
    return np.concatenate([sized[0], gap, sized[1]], axis=1).astype(np.uint8)


def _darkened(image: Image, region: Points) -> Image:
    inside = np.zeros(image.shape[:2], np.uint8)
    corners = [np.round(region).astype(np.int32)]
    cv2.fillPoly(inside, corners, 1)
    drawn = np.where(inside[..., None] > 0, image, image * OUTSIDE).astype(np.uint8)
    cv2.polylines(drawn, corners, True, (255, 80, 80), max(2, max(image.shape) // 500), cv2.LINE_AA)
    return drawn


def _above(line: Points, low: Points, high: Points, metre: float) -> NDArray[np.float64]:
    return np.column_stack([line[:, 0] - low[0], high[1] - line[:, 1]]) * metre


def _polyline(picture: Image, points: Points, colour: tuple[int, int, int], stroke: int) -> None:
    reach = 4 * max(picture.shape)
    drawable = points[np.isfinite(points).all(axis=1) & (np.abs(points) < reach).all(axis=1)]
    if len(drawable) > 1:
        cv2.polylines(picture, [np.round(drawable).astype(np.int32)], False, colour, stroke, cv2.LINE_AA)


def _label(above: Image, low: Points, high: Points, metre: float, step: float) -> None:
    for at in np.arange(np.ceil(low[1] / step), np.floor(high[1] / step) + 1) * step:
        place = (4, int((high[1] - at) * metre) - 4)
        for colour, stroke in (((0, 0, 0), 4), ((255, 255, 255), 1)):
            cv2.putText(above, f"{at:g} m", place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, stroke, cv2.LINE_AA)
