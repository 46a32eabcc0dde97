"""The part of the road that a photograph answers for, section by section, as polygons in the photograph's metres."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import shapely

from pipeline.placing.road import RoadView
from pipeline.placing.roadbook import Placed
from pipeline.placing.seen_road import seen_road


class Window(NamedTuple):
    """What one photograph owns of one section.

    Attributes:
        number: of the section, which begins at `number` times its length.
        road: polygon, m right and ahead of the camera.
        length_m: of it along the lane, however much of the lane's width is seen.
    """

    number: int
    road: shapely.Geometry
    length_m: float


def windows_of(placed: Placed, view: RoadView, section_m: float) -> Iterator[Window]:
    """The sections in which this photograph owns road that it shows."""
    if not np.isfinite(placed.chainage):
        return
    seen = seen_road(view)
    _, near, _, far = seen.bounds
    ends = sorted((edge - placed.chainage) * placed.sense for edge in (placed.low, placed.high))
    low, high = max(near, ends[0]), min(far, ends[1])
    if not low < high:
        return
    first, last = sorted(placed.chainage + placed.sense * end for end in (low, high))
    for number in range(int(np.floor(first / section_m)), int(np.ceil(last / section_m))):
        edges = sorted(
            placed.sense * (edge - placed.chainage) for edge in (number * section_m, (number + 1) * section_m)
        )
        begin, end = max(low, edges[0]), min(high, edges[1])
        if begin < end:
            left, _, right, _ = seen.bounds
            road = shapely.intersection(seen, shapely.box(left, begin, right, end))
            if road.area > 0:
                yield Window(number, road, end - begin)
