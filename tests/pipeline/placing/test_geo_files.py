import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import geopandas as gpd
import numpy as np
import pyarrow.parquet as pq
import pyogrio
import pytest

from pipeline.placing.geo_files import LAYERS, features, write_geo_files

LINE = [20.0, 10.0, 20.0001, 10.0002]
CRACKS: list[dict[str, Any]] = [
    {
        **{"name": "a.jpg", "crack_id": 0, "length_m": 12.5, "width_mean_mm": float("nan"), "kind": "transverse"},
        **{"line_deg": LINE, "latitude_deg": 10.0, "longitude_deg": 20.0, "fragments": 3},
    },
    {"name": "ä.jpg", "crack_id": 0, "kind": None, "latitude_deg": -10.0, "longitude_deg": 20.5, "length_m": None},
    {"name": "nowhere.jpg", "crack_id": 1, "latitude_deg": float("nan"), "longitude_deg": None},
]
SECTIONS = [{"from_m": 0.0, "to_m": 100.0, "photographs": 5, "cracking_percent": 7, "line_deg": LINE}]
PHOTOGRAPHS = [{"name": "a.jpg", "latitude_deg": 10.0, "longitude_deg": 20.0, "taken_at": "2026-05-31T10:00:00Z"}]


@pytest.fixture(params=["full", "empty"])
def written(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, bool]:
    rows = {"cracks": CRACKS, "sections": SECTIONS, "photographs": PHOTOGRAPHS}
    full = request.param == "full"
    write_geo_files({layer: features(layer, rows[layer] if full else []) for layer in LAYERS}, tmp_path)
    return tmp_path, full


def test_geoparquet_is_version_1_1_with_a_covering(written: tuple[Path, bool]) -> None:
    folder, full = written
    for layer in LAYERS:
        geo = json.loads(pq.read_schema(folder / f"{layer}.parquet").metadata[b"geo"])
        assert geo["version"] == "1.1.0"
        assert geo["columns"]["geometry"]["covering"]["bbox"]
        back = gpd.read_parquet(folder / f"{layer}.parquet")
        assert back.crs.to_epsg() == 4326
    if full:
        cracks = gpd.read_parquet(folder / "cracks.parquet")
        assert cracks.geom_type.tolist()[:2] == ["LineString", "Point"]
        assert cracks.geometry.iloc[2] is None
        np.testing.assert_allclose(cracks.geometry.iloc[0].coords, np.reshape(LINE, (2, 2)))


def test_of_pattern_cracking_rings_are_an_area_and_one_within_another_is_a_hole() -> None:
    outer = [20.0, 10.0, 20.0004, 10.0, 20.0004, 10.0004, 20.0, 10.0004, 20.0, 10.0]
    hole = [20.0001, 10.0001, 20.0002, 10.0001, 20.0002, 10.0002, 20.0001, 10.0001]
    aside = [20.001, 10.0, 20.0012, 10.0, 20.0012, 10.0002, 20.001, 10.0]
    place = {"crack_id": 0, "kind": "pattern", "latitude_deg": 10.0, "longitude_deg": 20.0}
    rows = [place | {"name": "a.jpg", "line_deg": line} for line in (outer, outer + hole + aside, outer[:4])]
    one, several, nothing = features("cracks", rows).geometry
    assert one.geom_type == "Polygon"
    assert one.area == pytest.approx(16e-8)
    assert several.geom_type == "MultiPolygon"
    assert several.area == pytest.approx((16 - 0.5 + 2) * 1e-8)
    assert nothing.geom_type == "Point", "where no area is left, the place of the photograph"


def test_duckdb_opens_geoparquet(written: tuple[Path, bool]) -> None:
    folder, full = written
    found = duckdb.sql(f"select name, length_m from '{folder}/cracks.parquet' order by name").fetchall()
    assert [row[0] for row in found] == (["a.jpg", "nowhere.jpg", "ä.jpg"] if full else [])
    if full:
        assert found[0][1] == 12.5


def test_gdal_opens_geopackage_and_geojson(written: tuple[Path, bool]) -> None:
    folder, full = written
    assert sorted(name for name, _ in pyogrio.list_layers(folder / "survey.gpkg")) == sorted(LAYERS)
    for source in ({"path": folder / "survey.gpkg", "layer": "cracks"}, {"path": folder / "cracks.geojson"}):
        back = pyogrio.read_dataframe(source.pop("path"), **source)
        assert len(back) == (3 if full else 0)
        if full:
            assert back.crs.to_epsg() == 4326
            assert back["length_m"].tolist()[0] == 12.5
            assert back.geometry.iloc[0].coords[1] == pytest.approx((20.0001, 10.0002))


def test_geojson_is_plain_json_with_null_and_no_crs(written: tuple[Path, bool]) -> None:
    folder, full = written

    def refuse(text: str) -> None:
        raise AssertionError(f"{text} is no JSON")

    told = json.loads((folder / "cracks.geojson").read_text(encoding="utf-8"), parse_constant=refuse)
    assert "crs" not in told
    if not full:
        return
    first, second, third = told["features"]
    assert first["properties"]["width_mean_mm"] is None
    assert first["geometry"]["coordinates"][0] == [20.0, 10.0], "longitude comes first"
    assert second["properties"]["kind"] is None
    assert third["geometry"] is None
    assert all(not isinstance(value, dict | list) for value in first["properties"].values()), "flat"


@pytest.mark.parametrize("degrees", [-16.5000009, -16.49999912, 179.99999934, 16.50000123])
def test_geojson_keeps_places_beside_a_round_number_of_degrees(tmp_path: Path, degrees: float) -> None:
    line = [degrees, 10.0, degrees, 10.0002]
    write_geo_files({"cracks": features("cracks", [{"name": "a.jpg", "line_deg": line}])}, tmp_path)
    (told,) = json.loads((tmp_path / "cracks.geojson").read_text(encoding="utf-8"))["features"]
    assert told["geometry"]["coordinates"][0] == [degrees, 10.0]


@pytest.mark.parametrize("name", ["!first", "roads!/A7", "line\nbreak", "tab\t"])
def test_names_that_gdal_would_take_for_an_archive_or_an_address(tmp_path: Path, name: str) -> None:
    written = write_geo_files({"cracks": features("cracks", CRACKS)}, tmp_path / name)
    assert sorted(path.name for path in (tmp_path / name).iterdir()) == sorted(path.name for path in written)
    assert len(json.loads((tmp_path / name / "cracks.geojson").read_bytes())["features"]) == len(CRACKS)
    with closing(sqlite3.connect(tmp_path / name / "survey.gpkg")) as database:
        assert database.execute("SELECT count(*) FROM cracks").fetchone() == (len(CRACKS),)
