"""Only the part of a photograph that the camera file calls road is looked at, and counted."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from pipeline.arrays import Image, Mask, round_outwards
from pipeline.cascade.cascade import CascadeResult
from pipeline.placing.camera_file import Camera
from pipeline.placing.road import WrongSizeError, polygon_mask, region_of


class Region(NamedTuple):
    """Road in photographs of one size.

    Attributes:
        window: x1, y1, x2, y2 px, half-open: the smallest rectangle that holds all of it. Stage 1 sees no more.
        inside: ``(H, W)`` bool of the photograph, True on road.
    """

    window: tuple[int, int, int, int]
    inside: Mask


@lru_cache(maxsize=4)
def region_in(camera: Camera | None, height: int, width: int) -> Region | None:
    """Where photographs of this size show road; None where all of it may be."""
    if camera is None or camera.region is None:
        return None
    try:
        inside = polygon_mask(region_of(camera, width, height), height, width)
    except WrongSizeError:  # of another camera: what this file says does not hold for it
        return None
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    return Region((int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1), inside)


def cut_out(image: Image, region: Region | None) -> Image:
    """The window of a photograph, ``(H, W, 3)``, that holds all of its road."""
    if region is None:
        return image
    x1, y1, x2, y2 = region.window
    return np.ascontiguousarray(image[y1:y2, x1:x2])


def size_of(size: tuple[int, ...], region: Region | None) -> tuple[int, int]:
    """Height and width of what `cut_out` gives of a photograph of ``(H, W)``."""
    if region is None:
        return size[0], size[1]
    x1, y1, x2, y2 = region.window
    return y2 - y1, x2 - x1


def put_back(found: CascadeResult, region: Region | None) -> CascadeResult:
    """What was found in the window, in px of the photograph, and nothing of it beside the road.

    Boxes that reach beyond the road stay where they hold some of it.
    """
    if region is None:
        return found
    x1, y1, x2, y2 = region.window
    road = region.inside[y1:y2, x1:x2]
    whole = round_outwards(found.boxes, (road.shape[0], road.shape[1]))
    stays = np.array([road[top:bottom, left:right].any() for left, top, right, bottom in whole], bool)
    probability = np.zeros(region.inside.shape, np.float32)
    probability[y1:y2, x1:x2] = np.where(road, found.probability, np.float32(0))
    mask = np.zeros(region.inside.shape, bool)
    mask[y1:y2, x1:x2] = found.mask & road
    corner = np.array([x1, y1, x1, y1])
    return found._replace(
        boxes=(found.boxes + corner.astype(np.float32))[stays],
        scores=found.scores[stays],
        crops=found.crops + corner,
        probability=probability,
        mask=mask,
        segmented_share=found.segmented_share * road.size / mask.size,
    )


def counted(valid: Mask | None, region: Region | None) -> Mask | None:
    """Pixels that count, ``(H, W)`` bool: picture and road; None where all do."""
    if region is None or valid is None:
        return valid if region is None else region.inside
    return valid & region.inside
