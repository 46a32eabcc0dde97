"""Areas of the road on the globe: as rings for the record, and as polygons again for files for a GIS."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import shapely

from pipeline.arrays import Reals
from pipeline.placing.geodesy import LINE_DECIMALS, from_road, unwrapped, wrapped
from pipeline.placing.rings import rings_in
from pipeline.placing.roadbook import Placed


def polygons_in(shape: shapely.Geometry) -> shapely.Geometry:
    """The parts of a shape that have an area, as a multipolygon; cut or mended areas may hold lines and points too."""
    parts = shapely.get_parts(shapely.get_parts(shape))  # a collection may hold a multipolygon
    return shapely.multipolygons(parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON])


def area_degrees(area: shapely.Geometry, placed: Placed) -> Reals:
    """Rings of an area on the globe.

    Args:
        area: polygons, m right and ahead of the camera.
        placed: the photograph, with a place and a heading.

    Returns:
        ``(N, 2)`` longitude and latitude to `LINE_DECIMALS`, as `pipeline.placing.rings.rings_in` takes them apart;
        no points where nothing is left at that precision.
    """

    def on_the_globe(road: Reals) -> Reals:
        degrees = from_road(placed.latitude, placed.longitude, placed.heading, road)
        return np.column_stack([unwrapped(degrees[:, 0]), degrees[:, 1]])

    there = shapely.make_valid(shapely.transform(area, on_the_globe))
    rounded = shapely.set_precision(polygons_in(there), 10.0**-LINE_DECIMALS)  # unlike plain rounding it stays valid
    points = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(rounded)))
    return np.column_stack([wrapped(points[:, 0]), points[:, 1]]).round(LINE_DECIMALS)


def area_shape(points: Reals) -> shapely.Geometry:
    """Polygon, or several, of rings on the globe; a ring within another is a hole.

    Args:
        points: ``(N, 2)`` longitude and latitude, degrees, of `area_degrees`.

    Returns:
        Valid polygons whose longitudes go on beyond ±180° where they cross it; empty where rings enclose nothing.
    """
    flat = np.column_stack([unwrapped(points[:, 0]), points[:, 1]])
    rings = np.cumsum([0, *(len(ring) for ring in rings_in(points))])
    lines = [shapely.LineString(flat[begin:end]) for begin, end in pairwise(rings)]
    return shapely.build_area(shapely.multilinestrings(lines))
