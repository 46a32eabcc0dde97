from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from pipeline.placing.geodesy import distances
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


def test_the_road_of_a_lone_photograph_is_a_line_along_its_heading_or_a_point() -> None:
    (along,) = lines(photographs([5.0], heading_deg=0.0), 10)
    np.testing.assert_allclose(north_of_start(along), [3, 7], atol=0.01)
    (point,) = lines(photographs([5.0]), 10)
    np.testing.assert_allclose(north_of_start(point), [5], atol=0.01)
    (nowhere,) = lines(photographs([5.0], latitude_deg=np.nan), 10)
    assert nowhere is None
