"""Cracks, sections and photographs as files for a GIS: GeoParquet 1.1, GeoPackage and GeoJSON (RFC 7946), WGS 84."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.placing.antimeridian import split_area, split_line
from pipeline.placing.globe_areas import area_shape
from pipeline.storage.atomic import write_whole
from pipeline.storage.schemas import SCHEMAS

LAYERS = ("cracks", "sections", "photographs")
FILES = (*(f"{layer}{suffix}" for layer in LAYERS for suffix in (".parquet", ".geojson")), "survey.gpkg")
"""Names of all that `write_geo_files` makes of `LAYERS`."""

CRS = "EPSG:4326"

GEOJSON_DECIMALS = "12"
"""Of a degree. With the 7 of RFC7946, GDAL takes digits after a run of zeros or nines for noise: −16.5000009 became
−16.5, a decimetre off. With 12 it keeps all of `pipeline.placing.geodesy.LINE_DECIMALS`."""

_HIDDEN = {"line_px", "outline_px", "line_deg", "schema_version", "latitude_deg", "longitude_deg"}

PHOTOGRAPH = (
    *("name", "route_id", "direction", "lane", "chainage_m", "heading_deg", "crack_share", "taken_at"),
    *("position_source", "heading_source", "chainage_source", "owned_from_m", "owned_to_m", "flags"),
)
"""Columns of ``images`` that the layer of photographs has."""


def columns_of(layer: str) -> list[str]:
    """Names of a layer's properties, flat and in order."""
    if layer == "photographs":
        return list(PHOTOGRAPH)
    return [name for name in SCHEMAS[layer].names if name not in _HIDDEN]


def features(layer: str, rows: Iterable[Mapping[str, Any]]) -> gpd.GeoDataFrame:
    """Rows as features.

    The geometry is the row's line (of pattern cracking its area), else the place of its photograph, else none.

    Args:
        layer: ``cracks``, ``sections`` or ``photographs``.
        rows: by column name; `line_deg` is ``[longitude, latitude, …]`` of one point or more, of a row whose `kind` is
            ``pattern`` those of closed rings (`pipeline.placing.rings`); `latitude_deg` and `longitude_deg` a place.
    """
    listed = list(rows)
    columns = columns_of(layer)
    kinds = {field.name: str(field.type) for field in SCHEMAS["images" if layer == "photographs" else layer]}
    types = {"string": "string", "int64": "Int64", "double": "float64"}
    frame = pd.DataFrame([{name: row.get(name) for name in columns} for row in listed], columns=columns)
    for name in columns:
        values = frame[name]
        frame[name] = (
            pd.to_datetime(values, utc=True) if name == "taken_at" else pd.Series(values, dtype=types[kinds[name]])
        )
    return gpd.GeoDataFrame(frame, geometry=[_geometry(row) for row in listed], crs=CRS)


def write_geo_files(layers: Mapping[str, gpd.GeoDataFrame], folder: Path) -> list[Path]:
    """Write each layer as ``NAME.parquet`` and ``NAME.geojson``, and all together as ``survey.gpkg``.

    Args:
        layers: by name.
        folder: to make files in.

    Raises:
        DataError: the disk is full, or the folder cannot be written.
    """
    written = []
    for name, frame in layers.items():
        written += [
            write_whole(folder / f"{name}.parquet", lambda path, frame=frame: _parquet(frame, path)),  # type: ignore[misc]
            write_whole(folder / f"{name}.geojson", lambda path, name=name, frame=frame: _geojson(name, frame, path)),  # type: ignore[misc]
        ]
    written.append(write_whole(folder / "survey.gpkg", lambda path: _geopackage(layers, path)))
    return written


def _parquet(frame: gpd.GeoDataFrame, path: Path) -> None:
    frame.to_parquet(path, index=False, write_covering_bbox=True, schema_version="1.1.0")


def _geojson(layer: str, frame: gpd.GeoDataFrame, path: Path) -> None:
    # GDAL writes NaN as it is, which is no JSON; what pandas' nullable numbers lack it writes as null.
    plain = frame.copy()
    for name in plain.columns.drop("geometry"):
        if plain[name].dtype == np.float64:
            plain[name] = plain[name].round(6).astype("Float64")
    how = {"driver": "GeoJSON", "engine": "pyogrio", "RFC7946": "YES", "WRITE_NON_FINITE_VALUES": "NO"}
    how |= {"COORDINATE_PRECISION": GEOJSON_DECIMALS}
    with _plain_path(path) as plainly:
        plain.to_file(plainly, layer=layer, index=False, **how)


def _geopackage(layers: Mapping[str, gpd.GeoDataFrame], path: Path) -> None:
    with _plain_path(path) as plainly:
        for name, frame in layers.items():
            frame.to_file(plainly, layer=name, driver="GPKG", engine="pyogrio", index=False)


@contextmanager
def _plain_path(path: Path) -> Iterator[Path]:
    """A path to the same file that pyogrio takes for one: what follows a ``!`` it looks for in an archive."""
    if not re.search(r"[!\n\r\t]", str(path.parent)):  # line breaks and tabs it drops, as addresses have none
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / "folder"
        link.symlink_to(path.parent.absolute())
        yield link / path.name


def _geometry(row: Mapping[str, Any]) -> shapely.Geometry | None:
    line = row.get("line_deg")
    if line is not None and len(line) >= 4:
        points = np.asarray(line, np.float64).reshape(-1, 2)
        shape = split_area(area_shape(points)) if row.get("kind") == "pattern" else split_line(points)
        if not shape.is_empty:
            return shape
    place = row.get("longitude_deg"), row.get("latitude_deg")
    if line is not None and len(line) == 2:
        place = line[0], line[1]
    if any(value is None or not np.isfinite(value) for value in place):
        return None
    return shapely.Point(place)
