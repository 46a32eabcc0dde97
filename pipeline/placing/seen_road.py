"""The road that a camera shows, and from where on it shows all of its width."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import shapely

from pipeline.placing.road import RoadView

ALL_BUT = 0.01
"""A lane that is seen but for this share of its width is seen whole: an edge that runs along the picture's edge would
else push all that is measured far ahead, where pixels are coarse."""

LOOKS = 1000


@lru_cache(maxsize=64)
def seen_road(view: RoadView) -> shapely.Geometry:
    """The region of a camera on the road, no wider than its lane."""
    seen = shapely.make_valid(shapely.Polygon(view.footprint()))
    if view.lane is None:
        return seen
    _, near, _, far = seen.bounds
    return shapely.intersection(seen, shapely.box(view.lane[0], near, view.lane[1], far))


@lru_cache(maxsize=64)
def looks_back(view: RoadView) -> bool:
    """Whether a camera shows the road behind it rather than ahead."""
    along = view.footprint()[:, 1]
    return bool(along.min() + along.max() < 0)


@lru_cache(maxsize=64)
def nearest_whole(view: RoadView) -> float:
    """Where a view ahead, or back, begins to show the lane's whole width, m ahead.

    The nearest road of all lies in a corner of the picture, or in its middle: a lens bends the lower edge, a roll tilts
    it, and the lane's edges come into the picture farther off. Where the lane is never seen whole, the widest part
    of it that the nearer half of the road shows counts; without a lane, the widest part of the picture.
    """
    seen = seen_road(view)
    left, near, right, far = seen.bounds
    if not near < far:  # none at all of the lane
        along = view.footprint()[:, 1]
        return float(along.max() if looks_back(view) else along.min())
    if looks_back(view):
        near, far = far, near
    ahead = near + (far - near) / 2 * np.linspace(0, 1, LOOKS) ** 3  # close together where a pixel is small
    rows = shapely.linestrings(np.stack(np.broadcast_arrays([[left], [right]], ahead), axis=-1).swapaxes(0, 1))
    shown = shapely.intersection(seen, rows)
    width = shapely.length(shown)
    if view.lane is None:  # in px, for a picture shows the more road the farther off it is
        begin, _, end, _ = shapely.bounds(shown).T
        edges = [view.to_picture(np.column_stack([side, ahead])) for side in (begin, end)]
        width *= np.hypot(*(edges[1] - edges[0]).T) / np.maximum(end - begin, 1e-9)
    width = np.nan_to_num(width)
    return float(ahead[np.argmax(width >= (1 - ALL_BUT) * width.max())])
