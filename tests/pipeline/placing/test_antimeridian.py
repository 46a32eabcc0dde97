"""Shapes that cross ±180°, as in Fiji and Chukotka, end there and go on at the other edge of the map."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.placing.geo_files import features, write_geo_files
from pipeline.placing.geodesy import WGS84, unwrapped, wrapped
from pipeline.placing.placed_cracks import place_crack
from tests.pipeline.placing.roads import book, crack, photographs, sight

ACROSS = [179.9999, -16.8, -179.9998, -16.8003]


def shape_of(line: list[float], **told: Any) -> Any:
    row = {"from_m": 0.0, "to_m": 9.0, "photographs": 1, "line_deg": line} | told
    return features("cracks" if told else "sections", [row]).geometry.iloc[0]


def test_a_line_ends_at_180_and_goes_on_at_minus_180() -> None:
    shape = shape_of(ACROSS)
    assert shape.geom_type == "MultiLineString"
    east, west = (np.asarray(part.coords) for part in shape.geoms)
    np.testing.assert_allclose(east, [[179.9999, -16.8], [180, -16.8001]], atol=1e-9)
    np.testing.assert_allclose(west, [[-180, -16.8001], [-179.9998, -16.8003]], atol=1e-9)


def test_a_line_that_winds_keeps_its_points_and_their_order() -> None:
    line = [-179.9, 1.0, 179.9, 2.0, 179.8, 0.0, 179.9, 3.0, 179.8, 3.0, 179.85, 0.0, -179.95, 4.0]
    parts = [np.asarray(part.coords) for part in shape_of(line).geoms]
    assert [len(part) for part in parts] == [2, 7, 2]
    assert np.concatenate(parts)[0].tolist() == [-179.9, 1.0]
    assert np.concatenate(parts)[-1].tolist() == [-179.95, 4.0]
    np.testing.assert_allclose(parts[1][1:-1].reshape(-1), line[2:-2])


@pytest.mark.parametrize(
    ("line", "ends"),
    [
        ([179.9, 1.0, 180.0, 1.0], [179.9, 180]),
        ([179.9, 1.0, -180.0, 1.0], [179.9, 180]),
        ([180.0, 1.0, -179.9, 1.0], [-180, -179.9]),
        ([-180.0, 1.0, -179.9, 1.0], [-180, -179.9]),
        ([-179.9, 1.0, 180.0, 1.0], [-179.9, -180]),
        ([-180.0, 1.0, -180.0, 2.0], [-180, -180]),
        ([20.0, 1.0, 20.1, 1.0], [20, 20.1]),
    ],
)
def test_a_line_that_only_meets_180_stays_one(line: list[float], ends: list[float]) -> None:
    shape = shape_of(line)
    assert shape.geom_type == "LineString"
    np.testing.assert_allclose(np.asarray(shape.coords)[:, 0], ends, atol=1e-9)


def test_an_area_is_split_too() -> None:
    ring = [179.9999, 1.0, -179.9999, 1.0, -179.9999, 1.0002, 179.9999, 1.0002, 179.9999, 1.0]
    shape = shape_of(ring, name="a.jpg", crack_id=0, kind="pattern")
    assert shape.geom_type == "MultiPolygon"
    assert [part.bounds[::2] for part in shape.geoms] == [(179.9999, 180), (-180, -179.9999)]
    assert shape.area == pytest.approx(4e-8)


def test_every_file_for_a_gis_holds_the_parts(tmp_path: Path) -> None:
    area = [179.9999, 1.0, -179.9999, 1.0, -179.9999, 1.0002, 179.9999, 1.0002, 179.9999, 1.0]
    kinds = [("longitudinal", ACROSS), ("pattern", area)]
    cracks = [{"name": "a", "crack_id": n, "kind": kind, "line_deg": line} for n, (kind, line) in enumerate(kinds)]
    section = {"from_m": 0.0, "to_m": 9.0, "photographs": 1, "line_deg": ACROSS}
    write_geo_files({"cracks": features("cracks", cracks), "sections": features("sections", [section])}, tmp_path)
    for layer, types in (("cracks", ["MultiLineString", "MultiPolygon"]), ("sections", ["MultiLineString"])):
        for back in (
            gpd.read_parquet(tmp_path / f"{layer}.parquet"),
            gpd.read_file(tmp_path / f"{layer}.geojson"),
            gpd.read_file(tmp_path / "survey.gpkg", layer=layer),
        ):
            assert back.geom_type.tolist() == types
            assert (back.explode().bounds.eval("maxx - minx") < 1e-3).all(), "none spans the globe"


def test_a_photographed_area_and_line_near_180() -> None:
    frame = photographs([10.0, 12.0, 14.0]).assign(longitude_deg=179.999999)  # 0.1 m west of it
    placed = book(frame)["001"]
    corners = np.array([[150.0, 150], [250, 150], [250, 250], [150, 250]])  # 1 m by 1 m about the middle
    area = place_crack(crack(0, None, "pattern", outline_px=corners.reshape(-1).tolist()), placed, sight(), 1.0)
    line = place_crack(crack(1, np.array([[150.0, 200.0], [350.0, 200.0]]), "transverse"), placed, sight(), 2.0)
    for row in (area, line):
        assert np.abs(row["line_deg"][::2]).max() <= 180
    rows = [row | {"name": "a", "crack_id": 0, "kind": kind} for row, kind in ((area, "pattern"), (line, None))]
    square, across = features("cracks", rows).geometry
    assert (square.geom_type, across.geom_type) == ("MultiPolygon", "MultiLineString")
    assert abs(WGS84.geometry_area_perimeter(square)[0]) == pytest.approx(1, abs=0.01)
    assert WGS84.geometry_length(across) == pytest.approx(2, abs=0.01)


@given(st.lists(st.floats(-0.4, 0.4), min_size=1, max_size=9), st.floats(-180, 180))
def test_unwrapped_longitudes_go_on_and_wrapped_come_back(steps: list[float], start: float) -> None:
    way = start + np.cumsum([0.0, *steps])
    there = wrapped(way)
    assert (np.abs(there) <= 180).all()
    np.testing.assert_allclose(np.diff(unwrapped(there)), steps, atol=1e-9)
    np.testing.assert_array_equal(wrapped(there), there)
