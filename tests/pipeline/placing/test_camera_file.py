import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from models.errors import UsageError
from pipeline.placing.camera_file import read_camera

POINTS = [
    {"pixel": [500, 500], "road": [-2, 10]},
    {"pixel": [780, 500], "road": [2, 10]},
    {"pixel": [1200, 900], "road": [2, 4]},
    {"pixel": [80, 900], "road": [-2, 4]},
]
FORWARD: dict[str, Any] = {
    "view": "forward",
    "size_px": [1280, 960],
    "lens": {"focal_px": [1000, 1000], "centre_px": [640, 480]},
    "mounting": {"height_m": 1.5, "pitch_deg": 10},
    "region": [[0, 960], [400, 400], [880, 400], [1280, 960]],
}
POINTS_FILE: dict[str, Any] = {
    "view": "forward",
    "size_px": [1280, 960],
    "points": POINTS,
    "region": [[80, 900], [500, 500], [780, 500], [1200, 900]],
}


def write(folder: Path, told: Any) -> Path:
    path = folder / "camera.yaml"
    path.write_text(told if isinstance(told, str) else yaml.safe_dump(told))
    return path


def test_a_camera_file_is_read(tmp_path: Path) -> None:
    camera = read_camera(write(tmp_path, FORWARD))
    assert camera.view == "forward"
    assert camera.has_scale
    assert camera.mounting is not None
    assert camera.mounting.roll_deg == 0


def test_four_points_and_a_plain_scale_are_read(tmp_path: Path) -> None:
    forward = {"view": "forward", "size_px": [1280, 960], "points": POINTS, "region": FORWARD["region"]}
    assert read_camera(write(tmp_path, forward)).has_scale
    assert read_camera(write(tmp_path, {"view": "down", "scale_mm_per_px": 0.8})).has_scale
    assert not read_camera(write(tmp_path, {"view": "down"})).has_scale


def line(axis: str) -> list[dict[str, Any]]:
    on_a_line = [dict(point) for point in POINTS]
    on_a_line[1][axis] = [sum(pair) / 2 for pair in zip(POINTS[0][axis], POINTS[2][axis], strict=True)]
    return on_a_line


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ({"view": "down", "scale_mm_per_px": 0}, "scale_mm_per_px"),
        ({"view": "down", "scale_mm_per_px": -1.2}, "scale_mm_per_px"),
        ({"view": "down", "scale_mm_per_px": float("nan")}, "scale_mm_per_px"),
        ({"view": "forward", "scale_mm_per_px": 1}, "no single scale"),
        ({"view": "sideways"}, "view"),
        ({"view": "down", "scale": 2}, "scale"),
        ({"view": "down", "region": [[0, 0], [9, 0], [9, 9]]}, "size_px is missing"),
        ({"view": "down", "size_px": [9, 9], "region": [[0, 0], [9, 9]]}, "region"),
        ({"view": "down", "size_px": [9, 9], "region": [[0, 0], [4, 4], [9, 9]]}, "on a line"),
        ({"view": "down", "size_px": [9, 9], "region": [[0, 0], [40, 4], [9, 9]]}, "out of the picture"),
        ({"view": "forward", "size_px": [1280, 960], "points": POINTS[:3]}, "points"),
        ({"view": "forward", "size_px": [1280, 960], "points": line("pixel")}, "on a line (pixel)"),
        ({"view": "forward", "size_px": [1280, 960], "points": line("road")}, "on a line (road)"),
        ({"view": "forward", "size_px": [1280, 960], "points": POINTS}, "the horizon lies inside it"),
        (FORWARD | {"region": [[0, 0], [1280, 0], [1280, 960]]}, "the horizon lies inside it"),
        (FORWARD | {"region": None}, "the horizon lies inside it"),
        (FORWARD | {"lens": None}, "mounting needs the lens"),
        (FORWARD | {"points": POINTS}, "keep one"),
        (FORWARD | {"mounting": {"height_m": 0, "pitch_deg": 10}}, "mounting.height_m"),
        (FORWARD | {"mounting": {"height_m": 1, "pitch_deg": 0}}, "mounting.pitch_deg"),
        (FORWARD | {"mounting": {"height_m": 1500, "pitch_deg": 20}}, "0.02 to 100 are possible"),
        (FORWARD | {"lens": {"focal_px": [4.2, 4.2], "centre_px": [640, 480]}}, "give px"),
        (FORWARD | {"lens": {"focal_px": [1e9, 1e9], "centre_px": [640, 480]}}, "give px"),
        (FORWARD | {"lens": {"focal_px": [1000, 1000], "centre_px": [5000, 480]}}, "lens.centre_px"),
        (FORWARD | {"mounting": {"height_m": 1.5, "pitch_deg": 0.2}}, "pitch_deg is in degrees"),
        (FORWARD | {"lane": {"left_m": 1, "right_m": -1}}, "left_m"),
        (FORWARD | {"lane": {"left_m": 1}}, "go together"),
        (FORWARD | {"lens": FORWARD["lens"] | {"distortion": [0.1]}}, "OpenCV"),
        (FORWARD | {"lens": FORWARD["lens"] | {"distortion": [-0.9, 0, 0, 0]}}, "lens.distortion"),
        (FORWARD | {"region": [[0, 960], [880, 500], [400, 500], [1280, 960]]}, "edges cross"),
        (POINTS_FILE | {"size_px": [640, 480]}, "lies out of the picture"),
        (
            POINTS_FILE | {"points": [one | {"road": [1000 * metres for metres in one["road"]]} for one in POINTS]},
            "give metres",
        ),
        ({"view": "down", "scale_mm_per_px": 1e9}, "scale_mm_per_px"),
        (
            {"view": "down", "scale_mm_per_pixel": 1},
            "scale_mm_per_pixel: There is no such setting; the nearest is scale",
        ),
        ("view: down\nscale_mm_per_px: 1\nscale_mm_per_px: 2\n", "stands there twice"),
        ("view: [", "no YAML"),
        ("just words", "holds no fields"),
    ],
)
def test_what_cannot_be_is_refused_by_name(tmp_path: Path, told: Any, named: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_camera(write(tmp_path, told))
    assert named in refused.value.problem
    assert "camera.yaml" in refused.value.problem


def test_points_in_the_wrong_order_are_refused(tmp_path: Path) -> None:
    mirrored = [point | {"road": [-point["road"][0], point["road"][1]]} for point in POINTS]
    crossed = [POINTS[0] | {"pixel": POINTS[1]["pixel"]}, POINTS[1] | {"pixel": POINTS[0]["pixel"]}, *POINTS[2:]]
    for points in (mirrored, crossed):
        told = {"view": "forward", "size_px": [1280, 960], "points": points, "region": FORWARD["region"]}
        with pytest.raises(UsageError, match="points:"):
            read_camera(write(tmp_path, told))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.yaml"):
        read_camera(tmp_path / "nowhere.yaml")


def test_what_is_no_file_of_a_camera_is_told_with_what_to_do(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    for path in (tmp_path / "pipe.yaml", tmp_path, write(tmp_path, "[" * 30_000), write(tmp_path, "9" * 5000)):
        with pytest.raises(UsageError, match=path.name) as error:
            read_camera(path)
        assert "camera show" in error.value.remedy
