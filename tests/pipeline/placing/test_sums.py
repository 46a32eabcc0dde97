from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.placing.camera_file import Camera
from pipeline.placing.sums import SUMS, SectionSums
from pipeline.storage.rows import fit_rows
from pipeline.storage.schemas import SCHEMAS
from tests.pipeline.placing.roads import DOWN, FORWARD, book, crack, photographs, sight, summed

STRAIGHT = np.column_stack([np.full(8000, 0.9), np.linspace(-10, 70, 8000)])
"""Down the right wheel path."""


def total(rows: list[dict[str, Any]], name: str = "crack_m") -> float:
    return sum(row[name] for row in rows if row.get(name) is not None)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.8, 3.9), st.sampled_from([1, -1]), st.sampled_from([DOWN, FORWARD]))
def test_every_metre_counts_once_however_much_photographs_overlap(step: float, sense: int, camera: Camera) -> None:
    chainages = np.arange(20, 41, step)[::sense].tolist()
    rows = summed(photographs(chainages), camera, STRAIGHT)
    view = sight(camera).view
    assert view is not None
    near, far = np.sort(view.footprint()[:, 1])[[0, -1]]
    shown = abs(chainages[-1] - chainages[0]) + min(far, 60) - near
    assert total(rows, "surveyed_m") == pytest.approx(shown, abs=0.01)
    if camera is DOWN:
        assert total(rows) == pytest.approx(shown, abs=0.05 * len(chainages))


def test_lengths_areas_and_shares_of_a_section() -> None:
    rows = summed(photographs(list(np.arange(2.0, 40, 2))), DOWN, STRAIGHT, section_m=10)
    section = rows[1]
    assert (section["from_m"], section["to_m"]) == (10, 20)
    assert section["surveyed_m"] == pytest.approx(10)
    assert section["area_m2"] == pytest.approx(35, rel=1e-6)
    assert section["crack_m"] == pytest.approx(10, rel=0.02)
    assert section["longitudinal_m"] == section["crack_m"]
    assert section["astm_longitudinal_low_m"] == section["ltpp_longitudinal_moderate_m"] == section["crack_m"]
    # One column of cells, 0.3 m of 3.5 m wide, the cell in which 0.9 m lies: within the right wheel path.
    assert section["cracking_share"] == pytest.approx(0.3 / 3.5, rel=0.05)
    assert section["cracking_percent"] == 9
    assert section["cracking_class"] == "Fair"
    assert section["wheel_path_percent"] == 9
    assert section["flags"] is None


def test_rows_fit_the_record(tmp_path: Any) -> None:
    rows = summed(photographs([2.0, 4, 6]), DOWN, STRAIGHT)
    assert len(fit_rows("sections", "r", rows, tmp_path)) == len(rows)
    assert set(SUMS) <= set(SCHEMAS["sections"].names)


def test_a_crack_beside_the_lane_is_not_the_lanes() -> None:
    beside = np.column_stack([np.full(4000, 1.9), np.linspace(-10, 70, 4000)])
    assert total(summed(photographs([10.0, 12, 14]), DOWN, beside)) == 0


def test_pattern_cracking_is_an_area() -> None:
    sums = SectionSums(10)
    placed = book(photographs([5.0]))["000"]
    view = sight().view
    assert view is not None
    corners = view.to_picture(np.array([[-0.6, -0.6], [0.6, -0.6], [0.6, 0.6], [-0.6, 0.6]]))
    counted = sums.add(placed, sight(), [crack(0, None, "pattern", outline_px=corners.reshape(-1).tolist())])
    row = sums.rows()[0]
    assert counted == {0: pytest.approx(1.44)}, "square metres of an area"
    assert row["pattern_m2"] == pytest.approx(1.44)
    assert row["crack_m"] == 0
    assert row["cracked_m2"] == pytest.approx(1.44, abs=0.4)


def test_routes_directions_and_lanes_are_summed_apart() -> None:
    sums = SectionSums(10)
    for lane in ("1", "2"):
        for placed in book(photographs([5.0], route_id="A7", direction="north", lane=lane)).values():
            sums.add(placed, sight(), [])
    assert [(row["route_id"], row["lane"]) for row in sums.rows()] == [("A7", "1"), ("A7", "2")]


def test_what_was_not_all_seen_is_flagged() -> None:
    rows = summed(photographs([5.0]), DOWN, STRAIGHT)
    assert rows[0]["surveyed_m"] == pytest.approx(4)
    assert rows[0]["flags"] == "part surveyed"


@pytest.mark.parametrize(
    ("camera", "flag"),
    [(Camera(view="forward"), "view=oblique"), (None, "no scale"), (Camera(view="down"), "no scale")],
)
def test_without_a_scale_there_are_no_sums_and_it_says_so(camera: Camera | None, flag: str) -> None:
    sums = SectionSums(10)
    for placed in book(photographs([5.0, 8.0]), camera).values():
        assert sums.add(placed, sight(camera), [crack(0, np.array([[0, 0], [9, 9]]))]) == {}
    (row,) = sums.rows()
    assert row["photographs"] == 2
    assert row.get("crack_m") is None
    assert row.get("cracking_percent") is None
    assert flag in row["flags"]


def test_a_photograph_without_chainage_is_in_no_section() -> None:
    frame = photographs([5.0]).assign(chainage_m=float("nan"), latitude_deg=float("nan"))
    sums = SectionSums(10)
    sums.add(book(frame)["000"], sight(), [])
    assert sums.rows() == []


def test_a_severity_that_is_not_told_is_flagged_not_guessed() -> None:
    frame = photographs([5.0])
    rows = summed(frame, DOWN, STRAIGHT, severity_astm="uncertain")
    assert rows[0]["crack_m"] > 0
    assert total(rows, "astm_longitudinal_low_m") == 0
    assert "severity not told of every crack" in rows[0]["flags"]


def test_a_winding_crack_counts_with_its_own_length() -> None:
    straight = total(summed(photographs([10.0]), DOWN, STRAIGHT))
    seen = summed(photographs([10.0]), DOWN, STRAIGHT, length_m=2 * straight)
    assert total(seen) == pytest.approx(2 * straight, rel=0.02)
