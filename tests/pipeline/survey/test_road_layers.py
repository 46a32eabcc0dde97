from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.placing.geo_files import write_geo_files
from pipeline.placing.geodesy import WGS84, distances
from pipeline.placing.globe_areas import polygons_in
from pipeline.placing.sums import SectionSums
from pipeline.storage.schemas import SCHEMAS
from pipeline.survey.road_layers import Layers, add_section_lines
from tests.pipeline.placing.roads import DOWN, SIDE_PX, book, crack, photographs, sight, summed

NOTHING = {name: None for name in SCHEMAS["cracks"].names if name not in ("name", "mask", "schema_version")}
STRAIGHT = np.column_stack([np.full(8000, 0.9), np.linspace(-10, 70, 8000)])


def shown(frame: pd.DataFrame, *cracks: dict[str, Any], parts: int = 1) -> Any:
    """The layer of cracks, where each photograph shows the same ones; they come in so many parts."""
    layers, sums = Layers(book(frame)), SectionSums(100)
    own = {"height_px": SIDE_PX, "width_px": SIDE_PX, "gsd_mm_per_px": None, "mask": None, "failure_kind": None}
    rows = [{"name": name, **own, "cracks": [NOTHING | one for one in cracks]} for name in frame["name"]]
    for part in range(parts):
        list(layers.place_part(pa.Table.from_pylist(rows[part::parts]), lambda *_: sight(), sums))
    return layers.frames([])["cracks"]


def test_without_a_heading_only_cracks_that_count_are_on_the_map() -> None:
    # Four photographs 1 m apart, of one fix; a crack 0.3 to 0.8 m before the middle of each, which owns 0.5 m there.
    frame = photographs([0.0, 1, 2, 3]).assign(latitude_deg=10.0, longitude_deg=20.0)
    line = crack(0, np.array([[200.0, 120], [200, 170]]), length_m=0.5)
    square = np.array([[100.0, 10], [140, 10], [140, 50], [100, 50]]).reshape(-1).tolist()  # 1.5 to 1.9 m ahead
    layer = shown(frame, line, crack(1, None, "pattern", outline_px=square))
    assert not (layer[layer.kind != "pattern"]["counted_m"] == 0).any()
    assert layer[layer.kind != "pattern"]["counted_m"].tolist() == pytest.approx([0.2, 0.2, 0.2, 0.5])
    assert (layer.kind == "pattern").sum() == 1  # only the last photograph owns so far ahead
    assert set(layer.geom_type) == {"Point"}


def test_parts_come_together_as_one_layer() -> None:
    frame = photographs([0.0, 5, 10, 15])
    line = crack(0, np.array([[200.0, 120], [200, 170]]), length_m=0.5)
    whole, parted = (shown(frame, line, parts=parts) for parts in (1, 3))
    assert len(whole) == 4
    assert parted.crs == whole.crs
    assert (parted.dtypes == whole.dtypes).all()
    pd.testing.assert_frame_equal(
        parted.sort_values("name", ignore_index=True), whole.sort_values("name", ignore_index=True)
    )
    assert shown(frame[:0], line, parts=0).columns.tolist() == whole.columns.tolist()


def seen_area(frame: pd.DataFrame, corners: np.ndarray) -> tuple[gpd.GeoDataFrame, float]:
    """The layer of cracks where a pattern area of the road, m aside and chainage, is in full or part in each
    photograph, and what the sections count of it, m²."""
    layers, sums, placed_rows = Layers(book(frame)), SectionSums(100), []
    own = {"height_px": SIDE_PX, "width_px": SIDE_PX, "gsd_mm_per_px": None, "mask": None, "failure_kind": None}
    view = sight().view
    assert view is not None
    for placed in book(frame).values():
        ahead = np.column_stack([corners[:, 0], placed.sense * (corners[:, 1] - placed.chainage)])
        part = shapely.intersection(shapely.Polygon(ahead), shapely.box(-2, -2, 2, 2))
        outlines = [view.to_picture(np.asarray(one.exterior.coords)[:-1]) for one in polygons_in(part).geoms]
        cracks = [crack(n, None, "pattern", outline_px=one.reshape(-1).tolist()) for n, one in enumerate(outlines)]
        placed_rows.append({"name": placed.name, **own, "cracks": [NOTHING | one for one in cracks]})
    list(layers.place_part(pa.Table.from_pylist(placed_rows), lambda *_: sight(), sums))
    return layers.frames([])["cracks"], sum(row["pattern_m2"] for row in sums.rows())


def on_the_globe(shape: Any) -> float:
    return abs(WGS84.geometry_area_perimeter(shape)[0])


LADDER = np.array([[-1.5, 3.0], [1.5, 3], [1.5, 8], [0.5, 8], [0.5, 4], [-0.5, 4], [-0.5, 8], [-1.5, 8]])
"""Two arms along the road that meet behind: a strip of it across both shows two areas."""


@settings(max_examples=20, deadline=None)
@given(st.floats(0.8, 3), st.sampled_from([1, -1]))
def test_every_square_metre_of_pattern_cracking_is_on_the_map_once(step: float, sense: int) -> None:
    layer, counted = seen_area(photographs(np.arange(0, 12, step)[::sense].tolist()), LADDER)
    truth = shapely.Polygon(LADDER).area
    assert counted == pytest.approx(truth, abs=0.01)
    assert layer["counted_m2"].sum() == pytest.approx(counted, abs=3e-3)  # strips under a millimetre are on no map
    assert layer["counted_m"].isna().all()
    assert set(layer.geom_type) <= {"Polygon", "MultiPolygon"}
    assert layer.is_valid.all()
    assert [on_the_globe(shape) for shape in layer.geometry] == pytest.approx(layer["counted_m2"].tolist(), abs=0.02)
    drawn = layer.to_crs("EPSG:32634")
    assert drawn.union_all().area == pytest.approx(drawn.area.sum(), rel=1e-3), "they overlap"


def test_areas_are_areas_in_every_file_for_a_gis(tmp_path: Path) -> None:
    layer, counted = seen_area(photographs([float(at) for at in range(12)]), LADDER)
    assert set(layer.geom_type) == {"Polygon", "MultiPolygon"}, "of some photographs two arms are one outline"
    write_geo_files({"cracks": layer}, tmp_path)
    for back in (
        gpd.read_parquet(tmp_path / "cracks.parquet"),
        gpd.read_file(tmp_path / "cracks.geojson"),
        gpd.read_file(tmp_path / "survey.gpkg", layer="cracks"),
    ):
        assert set(back.geom_type) <= {"Polygon", "MultiPolygon"}
        assert back["counted_m2"].sum() == pytest.approx(counted, abs=1e-4)


def lines(frame: pd.DataFrame, section_m: float) -> list[Any]:
    rows = add_section_lines(summed(frame, DOWN, STRAIGHT, section_m), book(frame).values())
    return [None if row["line_deg"] is None else np.reshape(row["line_deg"], (-1, 2)) for row in rows]


def north_of_start(points: np.ndarray) -> np.ndarray:
    """Metres from the place of chainage 0, by sign to the north."""
    away = distances(np.full(len(points), 10.0), np.full(len(points), 20.0), points[:, 1], points[:, 0])
    return np.where(points[:, 1] < 10, -away, away)


@pytest.mark.parametrize("step", [1, -1])
def test_road_beyond_the_outer_photographs_goes_straight_on(step: int) -> None:
    before, between, after = lines(photographs([0.0, 5, 10][::step]), 10)
    np.testing.assert_allclose(north_of_start(before), [-2, 0], atol=0.01)
    np.testing.assert_allclose(north_of_start(between), [0, 5, 10], atol=0.01)
    np.testing.assert_allclose(north_of_start(after), [10, 12], atol=0.01)


def test_of_a_section_that_the_drive_only_just_enters_there_is_a_line() -> None:
    lone = {"route_id": None, "direction": None, "lane": None, "from_m": 10.0, "to_m": 20.0}
    book_ = book(photographs([0.0, 5.0, 10.0002])).values()
    (row,) = add_section_lines([lone], book_)
    assert shapely.LineString(np.reshape(row["line_deg"], (-1, 2))).is_valid


def test_sections_across_180_degrees_stay_where_the_road_is() -> None:
    fiji = photographs([0.0, 2.0], latitude_deg=-16.8, heading_deg=90.0).assign(longitude_deg=[179.99999, -179.99999])
    sections = add_section_lines(
        [{"route_id": None, "direction": None, "lane": None, "from_m": at, "to_m": at + 1.0} for at in (0.0, 1.0)],
        book(fiji).values(),
    )
    assert [row["line_deg"] for row in sections] == [
        [179.99999, -16.8, 180.0, -16.8],
        [180.0, -16.8, -179.99999, -16.8],
    ]


def test_the_road_of_a_lone_photograph_is_a_line_along_its_heading_or_a_point() -> None:
    (along,) = lines(photographs([5.0], heading_deg=0.0), 10)
    np.testing.assert_allclose(north_of_start(along), [3, 7], atol=0.01)
    (point,) = lines(photographs([5.0]), 10)
    np.testing.assert_allclose(north_of_start(point), [5], atol=0.01)
    (nowhere,) = lines(photographs([5.0], latitude_deg=np.nan), 10)
    assert nowhere is None
