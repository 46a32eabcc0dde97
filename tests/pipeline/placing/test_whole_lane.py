"""A camera that looks ahead shows the lane's middle nearer than its edges: no metre may fall between two pictures."""

from typing import Any

import numpy as np
import pytest

from pipeline.placing.camera_file import Camera
from tests.pipeline.placing.roads import FORWARD, SIDE_PX, book, photographs, sight, summed

LANE = {"left_m": -1.75, "right_m": 1.75}
BACK = {"left_m": -1.75, "right_m": 1.75, "axis_deg": 180}


def camera(distortion: tuple[float, ...] = (), roll_deg: float = 0, lane: Any = None) -> Camera:
    told = {
        "view": "forward",
        "size_px": (SIDE_PX, SIDE_PX),
        "lens": {"focal_px": (320, 320), "centre_px": (200, 200), "distortion": distortion},
        "mounting": {"height_m": 1.5, "pitch_deg": 15, "roll_deg": roll_deg},
        "region": ((0, 400), (80, 160), (320, 160), (400, 400)),
    }
    return Camera.model_validate(told | ({} if lane is None else {"lane": lane}))


BARREL = (-0.2, 0.05, 0, 0)


def counted(took: Camera, right: float, chainages: list[float]) -> dict[str, Any]:
    """What a section of 20 m, in the middle of a drive, has of a crack along all of it, `right` of the camera."""
    along = np.column_stack([np.full(16000, right), np.linspace(-40, 80, 16000)])
    return next(row for row in summed(photographs(chainages), took, along, section_m=20) if row["from_m"] == 20)


@pytest.mark.parametrize("sense", [1, -1])
@pytest.mark.parametrize("step", [1.0, 3.0])
@pytest.mark.parametrize("took", [camera(BARREL, lane=LANE), camera(BARREL, 4, LANE), FORWARD, camera(BARREL, 4, BACK)])
def test_every_metre_of_the_lane_counts_wherever_it_lies(took: Camera, step: float, sense: int) -> None:
    chainages = np.arange(-20, 62, step)[::sense].tolist()
    for right in (-1.7, -0.9, 0.0, 0.9, 1.7):
        row = counted(took, right, chainages)
        assert row["longitudinal_m"] == pytest.approx(20, rel=0.015)  # the lines that are cut have a point a cm
        assert row["surveyed_m"] == pytest.approx(20)
        assert row["area_m2"] == pytest.approx(20 * 3.5, rel=0.005)
        assert row["flags"] is None


@pytest.mark.parametrize("sense", [1, -1])
def test_a_camera_that_looks_back_owns_the_road_nearest_to_it_too(sense: int) -> None:
    chainages = [0.0, 2.0, 4.0, 6.0][::sense]
    ahead, back = (
        [sense * (edge - one.chainage) for edge in (one.low, one.high)]
        for one in (book(photographs(chainages), camera(lane=lane))["001"] for lane in (LANE, BACK))
    )
    assert sorted(back) == pytest.approx(sorted(-edge for edge in ahead))
    view = sight(camera(lane=BACK)).view
    assert view is not None
    assert max(back) > view.footprint()[:, 1].mean(), "near the camera, where a pixel is small"


@pytest.mark.parametrize("roll_deg", [0, 5])
def test_without_a_lane_what_all_pictures_show_in_full_counts(roll_deg: float) -> None:
    took = camera(BARREL, roll_deg)
    for right in (-0.8, 0.0, 0.8):
        assert counted(took, right, np.arange(-20.0, 62).tolist())["longitudinal_m"] == pytest.approx(20, rel=0.015)


def test_steps_of_different_length_leave_no_road_out() -> None:
    steps = np.tile([1.0, 1, 1, 1, 1, 1, 1, 1, 5, 1, 0.2, 1], 8)
    row = counted(camera(BARREL, lane=LANE), 0.0, (np.cumsum(steps) - 40).tolist())
    assert row["longitudinal_m"] == pytest.approx(20, rel=0.015)
    assert row["surveyed_m"] == pytest.approx(20)


def test_a_lane_of_which_a_part_is_in_no_picture_is_not_surveyed_whole() -> None:
    took = camera(BARREL, lane={"left_m": -1.75, "right_m": 12.0})
    row = counted(took, 0.0, np.arange(-20.0, 62).tolist())
    assert row["surveyed_m"] == pytest.approx(20)
    assert row["area_m2"] < 20 * 13
    assert "part surveyed" in row["flags"]
