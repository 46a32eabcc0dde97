import numpy as np
import pytest
import shapely

from pipeline.placing.camera_file import Camera
from pipeline.placing.geodesy import WGS84
from pipeline.placing.placed_cracks import owned_span, place_crack
from tests.pipeline.placing.roads import DOWN, book, crack, photographs, sight

ALONG = np.array([[290.0, 400.0], [290.0, 0.0]])
"""0.9 m right of the middle, from 2 m behind to 2 m ahead."""


def test_a_crack_has_chainage_zone_and_a_line_on_the_globe() -> None:
    placed = book(photographs([10.0, 12.0, 14.0]))["001"]
    row = place_crack(crack(0, ALONG), placed, sight(), 2.0)
    assert (row["from_m"], row["to_m"]) == pytest.approx((10, 14))
    assert row["zone"] == "right wheel path"
    assert row["counted_m"] == 2.0
    line = np.array(row["line_deg"]).reshape(-1, 2)
    _, _, metres = WGS84.inv(*line[0], *line[-1])
    assert metres == pytest.approx(2.0, abs=1e-3), "the strip from 11 to 13 m is this photograph's"
    azimuth, _, aside = WGS84.inv(placed.longitude, placed.latitude, *line.mean(axis=0))
    assert aside == pytest.approx(0.9, abs=1e-3)
    assert azimuth == pytest.approx(90, abs=0.1), "right of a drive northwards is east"


def test_where_chainage_falls_ahead_is_less() -> None:
    placed = book(photographs([14.0, 12.0, 10.0]))["001"]
    row = place_crack(crack(0, ALONG[:, :] * [1, 0.5]), placed, sight(), 1.0)  # from the middle to 2 m ahead
    assert (row["from_m"], row["to_m"]) == pytest.approx((10, 12))
    line = np.array(row["line_deg"]).reshape(-1, 2)
    assert line[-1, 1] < placed.latitude, "it drove southwards"


def test_a_compass_tells_where_a_camera_looks_that_hangs_askew_over_the_lane() -> None:
    camera = Camera.model_validate({"view": "down", "scale_mm_per_px": 10, "lane": {"axis_deg": 30}})
    placed = book(photographs([10.0], heading_deg=350.0), camera)["000"]
    up = np.array([[200.0, 300.0], [200.0, 100.0]])
    line = np.reshape(place_crack(crack(0, up), placed, sight(camera), 2.0)["line_deg"], (-1, 2))
    azimuth, _, _ = WGS84.inv(*line[0], *line[-1])
    assert azimuth % 360 == pytest.approx(350, abs=0.1), "straight up in the picture is where the camera looks"
    assert placed.heading == pytest.approx(20), "of the lane"


def test_without_a_scale_a_crack_lies_where_its_photograph_was_taken() -> None:
    camera = Camera(view="forward")
    row = place_crack(crack(0, ALONG), book(photographs([10.0]), camera)["000"], sight(camera), None)
    assert row["from_m"] == row["to_m"] == 10
    assert row["flags"] == "view=oblique"
    assert row.get("line_deg") is None
    assert row.get("zone") is None


def test_transverse_cracks_have_no_zone_and_flags_are_kept() -> None:
    row = place_crack(crack(0, ALONG, "transverse", flags="fragments"), book(photographs([1.0]))["000"], sight(), 1.0)
    assert row.get("zone") is None
    assert row["flags"] == "fragments"


def test_a_crack_that_another_photograph_owns_has_no_line() -> None:
    placed = book(photographs([10.0, 12.0]))["000"]
    line = np.array([[0.0, 1.2], [0.5, 1.9]])
    assert len(owned_span(line, placed)) == 0
    np.testing.assert_allclose(owned_span(np.array([[0.0, 0.0], [1.0, 2.0]]), placed), [[0, 0], [0.5, 1]])
    np.testing.assert_allclose(
        owned_span(np.array([[0.0, 2.0], [0.0, -2.0], [0.0, 2.0]]), placed), [[0, 1], [0, -2], [0, 1]]
    )


@pytest.mark.parametrize("inside_m", [4e-4, 2e-5])
def test_of_a_crack_that_only_just_reaches_into_the_strip_there_is_a_line(inside_m: float) -> None:
    placed = book(photographs([10.0, 12.0, 14.0]))["001"]
    line = np.array([[290.0, 0.0], [290.0, 100.0 + 100 * inside_m]])  # the strip ends 1 m ahead, at 100 px
    drawn = np.reshape(place_crack(crack(0, line), placed, sight(), inside_m)["line_deg"], (-1, 2))
    assert shapely.LineString(drawn).is_valid, "from a point to itself is no line"
    assert WGS84.inv(*drawn[0], *drawn[-1])[2] < 2e-3


def test_of_an_area_the_part_that_its_photograph_owns_is_a_closed_ring() -> None:
    corners = np.array([[150.0, 20.0], [250.0, 20.0], [250.0, 380.0], [150.0, 380.0]])  # 1 m by 3.6 m
    area = crack(0, None, "pattern", outline_px=corners.reshape(-1).tolist())
    placed = book(photographs([10.0, 12.0, 14.0]))["001"]
    row = place_crack(area, placed, sight(), 2.0)
    assert (row["counted_m"], row["counted_m2"]) == (None, 2.0)
    assert (row["from_m"], row["to_m"]) == pytest.approx((10.2, 13.8))
    ring = np.reshape(row["line_deg"], (-1, 2))
    assert ring[0].tolist() == ring[-1].tolist()
    north = WGS84.inv(20.0, ring[:, 1].min(), 20.0, ring[:, 1].max())[2]
    assert north == pytest.approx(2, abs=3e-3), "the strip from 11 to 13 m is this photograph's"
    assert abs(WGS84.polygon_area_perimeter(*ring.T)[0]) == pytest.approx(2, abs=0.01)
    aside = place_crack(area, placed._replace(low=20.0, high=22.0), sight(), 0.0)
    assert aside["line_deg"] is None, "another photograph owns all of it"


def test_the_camera_of_the_tests_shows_four_metres() -> None:
    assert DOWN.scale_mm_per_px == 10
