import numpy as np
import pandas as pd
import pytest

from pipeline.placing.camera_file import Camera
from tests.pipeline.placing.roads import DOWN, book, photographs, sight, summed

STRAIGHT = np.column_stack([np.full(8000, 0.9), np.linspace(-10, 70, 8000)])


def camera(left_m: float, right_m: float) -> Camera:
    return Camera.model_validate(
        {"view": "down", "scale_mm_per_px": 10, "lane": {"left_m": left_m, "right_m": right_m}}  # 2 m to either side
    )


@pytest.mark.parametrize(("left_m", "right_m"), [(5, 8.5), (-8.5, -2)])
def test_a_lane_beside_the_picture_is_flagged_and_all_of_the_road_counts(left_m: float, right_m: float) -> None:
    frame, beside = photographs([2.0, 4, 6]), camera(left_m, right_m)
    (row,) = summed(frame, beside, STRAIGHT)
    assert row["surveyed_m"] == pytest.approx(8)
    assert row["area_m2"] == pytest.approx(8 * 4)
    assert row["crack_m"] == pytest.approx(8, rel=0.02)
    assert row["flags"] == "lane not in the picture; part surveyed; edges of the lane not known"
    assert [placed.flags for placed in book(frame, beside).values()] == ["lane not in the picture"] * 3


def test_a_lane_in_the_picture_in_part_keeps_its_limits() -> None:
    assert sight(camera(1.5, 5)).flag == ""
    (row,) = summed(photographs([2.0, 4, 6]), camera(1.5, 5), STRAIGHT)
    assert row["area_m2"] == pytest.approx(8 * 0.5)
    assert row["crack_m"] == 0


def test_a_lane_that_has_a_name_and_no_edges_is_not_called_none() -> None:
    (row,) = summed(photographs([2.0, 4, 6], lane="1"), Camera(view="down", scale_mm_per_px=10), STRAIGHT)
    assert (row["lane"], row["flags"]) == ("1", "part surveyed; edges of the lane not known")


def test_a_lane_that_part_of_a_drive_lacks_is_flagged() -> None:
    drives = [
        photographs([2.0, 4], route_id="A7", direction="north", lane="1"),
        photographs([6.0], route_id="A7", direction="north"),
        photographs([2.0], route_id="A7", direction="south"),  # has no lanes at all
        photographs([2.0]),
    ]
    frame = pd.concat(drives, ignore_index=True).assign(name=list("abcde"))
    flags = {name: placed.flags for name, placed in book(frame).items()}
    assert [name for name, told in flags.items() if "lane missing in part of the drive" in told] == ["c"]
    rows = summed(frame, DOWN, STRAIGHT)
    doubtful = [(row["direction"], row["lane"]) for row in rows if "lane missing" in row["flags"]]
    assert doubtful == [("north", None)]


def test_a_drive_without_lanes_lacks_none() -> None:
    assert not any(placed.flags for placed in book(photographs([2.0, 4, 6])).values())
