import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from flows.cli import app
from pipeline.measuring.rows import COLUMNS
from pipeline.storage.schemas import SCHEMAS
from pipeline.survey.road_settings import RoadSettings


@pytest.fixture
def masks(tmp_path):
    """One mask 0/255 with a bar of 100 × 4 px, one of labels 0/1 below it, and one without crack."""
    mask = np.zeros((60, 140), np.uint8)
    mask[28:32, 20:120] = 255
    (tmp_path / "masks" / "b").mkdir(parents=True)
    for name, pixels in (("a.png", mask), ("b/c.png", mask // 255), ("none.png", mask * 0)):
        cv2.imwrite(str(tmp_path / "masks" / name), pixels)
    return tmp_path / "masks"


def run(*given):
    return CliRunner().invoke(app, ["measure", *map(str, given)])


def test_json_holds_the_columns_of_the_record(masks):
    result = run(masks, "--gsd", 2.5, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)["cracks"]
    assert [one["name"] for one in found] == ["a.png", "b/c.png"]
    assert all(tuple(one) == COLUMNS for one in found)
    assert set(COLUMNS) < set(SCHEMAS["cracks"].names)
    for one in found:
        assert one["length_px"] == pytest.approx(100, rel=0.01)
        assert one["width_mean_px"] == pytest.approx(4, abs=0.15)
        assert one["length_m"] == pytest.approx(0.25, rel=0.01)
        assert one["width_mean_mm"] == pytest.approx(10, abs=0.4)
        assert (one["kind"], one["gsd_source"], one["severity_astm"]) == ("transverse", "gsd", "uncertain")


def test_without_a_scale_there_are_no_millimetres(masks):
    (one,) = json.loads(run(masks / "a.png", "--json").stdout)["cracks"]
    assert {one[name] for name in ("length_m", "width_mean_mm", "severity_astm", "severity_ltpp", "gsd_source")} == {
        None
    }


def test_the_direction_of_travel_decides_the_kind(masks):
    (one,) = json.loads(run(masks / "a.png", "--axis", 90, "--json").stdout)["cracks"]
    assert one["kind"] == "longitudinal"


def test_a_table_and_files(masks, tmp_path):
    result = run(f"{masks}/*.png", "--out", tmp_path / "cracks.csv")
    assert result.exit_code == 0, result.output
    assert "transverse" in result.stdout
    assert len(pd.read_csv(tmp_path / "cracks.csv")) == 1
    assert run(masks, "--out", tmp_path / "cracks.parquet").exit_code == 0
    assert len(pd.read_parquet(tmp_path / "cracks.parquet")) == 2


@pytest.mark.parametrize(
    ("given", "status", "told"),
    [
        (["--gsd", "0"], 2, "mm a pixel"),
        (["--gsd", "-2"], 2, "mm a pixel"),
        (["--gsd", "nan"], 2, "mm a pixel"),
        (["--gap", "-1"], 2, "--gap"),
        (["--axis", "400"], 2, "--axis"),
        (["--out", "cracks.xls"], 2, ".csv"),
    ],
)
def test_what_does_not_fit_is_told(masks, given, status, told):
    result = run(masks, *given)
    assert result.exit_code == status
    assert told in result.stderr
    assert not result.stdout


def test_a_file_that_cannot_be_written_is_refused_before_any_mask_is_read(masks, tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.placing.drawn_masks.read_truth", lambda *_: pytest.fail("read"))
    for name, status, told in (("a.xlsx", 2, ".csv or .parquet"), ("masks/a.png/a.csv", 1, "is a file where")):
        result = run(masks, "--out", tmp_path / name)
        assert (result.exit_code, told in result.stderr) == (status, True)


def test_no_mask_and_a_damaged_one_are_told(masks, tmp_path):
    missing = run(tmp_path / "nowhere")
    assert missing.exit_code == 1
    assert "does not exist" in missing.stderr
    (masks / "torn.png").write_bytes((masks / "a.png").read_bytes()[:60])
    torn = run(masks)
    assert torn.exit_code == 1
    assert "torn.png" in torn.stderr


def test_values_of_masks_are_told(masks):
    cv2.imwrite(str(masks / "a.png"), cv2.imread(str(masks / "a.png"), cv2.IMREAD_GRAYSCALE) // 255 * 38)
    refused = run(masks / "a.png")
    assert refused.exit_code == 1
    assert "--mask-values crack=38" in refused.stderr
    (one,) = json.loads(run(masks / "a.png", "--mask-values", "crack=38", "--json").stdout)["cracks"]
    assert one["length_px"] == pytest.approx(100, rel=0.01)
    assert json.loads(run(masks / "a.png", "--mask-values", "crack=1 ignore=38", "--json").stdout) == {"cracks": []}
    assert run(masks, "--mask-values", "38").exit_code == 2


def test_values_that_no_mask_has_are_told(masks):
    result = run(masks, "--mask-values", "crack=38", "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (0, {"cracks": []})
    assert "names no value that the 3 masks, of which the first is" in result.stderr
    assert "it holds the values 0 (95.2%), 255 (4.8%)" in result.stderr
    assert "names no value" not in run(masks, "--mask-values", "crack=255").stderr


def test_an_unset_variable_is_not_the_current_folder():
    result = run("")
    assert result.exit_code == 2
    assert "No masks are named." in str(result.exception) + result.output


def test_how_unusual_masks_were_read_is_told(masks):
    inverted = 255 - cv2.imread(str(masks / "a.png"), cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(str(masks / "a.png"), inverted)
    result = run(masks / "a.png", "--json")
    assert "more than half of it is crack" in result.stderr
    assert json.loads(result.stdout)["cracks"]


def test_a_camera_file_gives_scale_road_and_lane(masks, tmp_path):
    """Of the bar, 100 px wide at x = 20 to 120, the left half lies on the road."""
    file = tmp_path / "camera.yaml"
    told = "view: down, size_px: [140, 60], region: [[0, 0], [70, 0], [70, 60], [0, 60]], lane: {axis_deg: 90}"
    file.write_text(f"{{{told}, scale_mm_per_px: 10}}")
    (one,) = json.loads(run(masks / "a.png", "--camera", file, "--json").stdout)["cracks"]
    assert one["length_px"] == pytest.approx(50, abs=1.5)
    assert one["length_m"] == pytest.approx(0.5, abs=0.015)
    assert (one["kind"], one["gsd_source"]) == ("longitudinal", "camera")
    file.write_text(f"{{{told}}}")  # without a scale the axis and the region hold all the same
    (one,) = json.loads(run(masks / "a.png", "--camera", file, "--json").stdout)["cracks"]
    assert (one["kind"], one["length_m"]) == ("longitudinal", None)
    assert one["length_px"] == pytest.approx(50, abs=1.5)


def test_the_lanes_edges_give_the_zone(masks, tmp_path):
    """A bar 0.4 m to the right of the middle, at 10 mm a pixel."""
    mask = np.zeros((60, 140), np.uint8)
    mask[5:55, 108:112] = 255
    cv2.imwrite(str(masks / "a.png"), mask)
    file = tmp_path / "camera.yaml"
    file.write_text("{view: down, scale_mm_per_px: 10, lane: {left_m: -1.75, right_m: 1.75}}")
    (one,) = json.loads(run(masks / "a.png", "--camera", file, "--json").stdout)["cracks"]
    assert (one["kind"], one["zone"]) == ("longitudinal", "right wheel path")
    file.write_text("{view: down, scale_mm_per_px: 10, lane: {left_m: 5, right_m: 8}}")
    result = run(masks / "a.png", "--camera", file, "--json")
    assert json.loads(result.stdout)["cracks"][0]["zone"] is None
    assert "does not show the camera file's lane" in result.stderr


def test_a_camera_that_looks_ahead_without_a_scale_tells_no_kind(masks, tmp_path):
    (tmp_path / "camera.yaml").write_text("view: forward")
    (one,) = json.loads(run(masks / "a.png", "--camera", tmp_path / "camera.yaml", "--json").stdout)["cracks"]
    assert one["kind"] is None


def test_a_camera_that_does_not_fit_is_told(masks, tmp_path):
    (tmp_path / "camera.yaml").write_text("{view: down, size_px: [60, 140], scale_mm_per_px: 2}")
    result = run(masks / "a.png", "--camera", tmp_path / "camera.yaml", "--json")
    assert "other proportions" in result.stderr
    (one,) = json.loads(result.stdout)["cracks"]
    assert one["length_m"] is None
    assert run(masks, "--camera", tmp_path / "camera.yaml", "--gsd", 2).exit_code == 2
    assert "--axis" in run(masks, "--camera", tmp_path / "camera.yaml", "--axis", 5).stderr


def test_what_255_means_is_asked_where_masks_disagree(masks):
    mask = cv2.imread(str(masks / "a.png"), cv2.IMREAD_GRAYSCALE) // 255
    mask[:10] = 255  # not to be judged
    cv2.imwrite(str(masks / "b" / "c.png"), mask)
    result = run(masks, "--json")
    assert result.exit_code != 0
    assert "--mask-values 'crack=1 ignore=255'" in " ".join(result.stderr.split())
    assert len(json.loads(run(masks / "b", "--json").stdout)["cracks"]) == 1


def test_places_may_begin_at_home(masks, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    result = run("~/masks", "--out=~/cracks.csv")
    assert result.exit_code == 0, result.output
    assert len(pd.read_csv(tmp_path / "cracks.csv")) == 2
    assert list(Path().iterdir()) == []
    road = RoadSettings(camera="~/camera.yaml", track="~/drive.gpx")
    assert (road.camera, road.track) == (tmp_path / "camera.yaml", tmp_path / "drive.gpx")
