import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest

from models.errors import DataError, UsageError
from pipeline.storage.records import read_table
from pipeline.survey import road_check
from pipeline.survey.marks import MARK
from pipeline.survey.road_settings import RoadSettings
from pipeline.survey.settings import SurveySettings
from tests.pipeline.survey.conftest import make_photographs
from tests.pipeline.survey.interrupted import interrupted
from tests.pipeline.survey.one_process import run_survey

FORWARD = "{view: forward, size_px: [48, 48], region: [[0, 24], [48, 24], [48, 48], [0, 48]]}"


def manifest(folder: Path, count: int = 6) -> Path:
    make_photographs(folder / "photographs", count)
    lines = [
        f"photographs/p{number:03d}.jpg,{5 * number},{10 + number * 4.5e-5},20,A7,north,1" for number in range(count)
    ]
    path = folder / "drive.csv"
    path.write_text("\n".join(["path,chainage,latitude,longitude,route_id,direction,lane", *lines]) + "\n")
    return path


def write_track(path: Path, count: int) -> Path:
    points = "".join(
        f'<trkpt lat="{10 + number * 1e-4}" lon="20"><time>2026-05-01T10:00:{number:02d}Z</time></trkpt>'
        for number in range(count)
    )
    path.write_text(f'<gpx version="1.1" creator="t"><trk><trkseg>{points}</trkseg></trk></gpx>')
    return path


def settings(tmp_path: Path, bundle: Path, **road: Any) -> SurveySettings:
    return SurveySettings(
        photos=str(manifest(tmp_path)),
        bundle=bundle,
        out=tmp_path / "out",
        device="cpu",
        chunk=4,
        road=RoadSettings.model_validate(road),
    )


def test_a_survey_knows_its_road(tmp_path: Path, bundle: Path) -> None:
    row = run_survey(settings(tmp_path, bundle, gsd_mm_per_px=125, section="10m"))  # 6 m of road each
    assert row is not None
    out = tmp_path / "out"
    images = read_table("images", out, row["run_id"])
    assert images["chainage_source"].tolist() == ["manifest"] * 6
    assert images["heading_source"].tolist() == ["photographs"] * 6
    assert images["owned_from_m"].tolist()[1:] == [2.5, 7.5, 12.5, 17.5, 22.5]
    sections = read_table("sections", out, row["run_id"])
    assert sections["from_m"].tolist() == [-10, 0, 10, 20]
    assert sections["surveyed_m"].tolist() == pytest.approx([3, 10, 10, 8])
    assert set(sections["route_id"]) == {"A7"}
    folder = out / "geo" / row["run_id"]
    shown = gpd.read_file(folder / "photographs.geojson")
    assert shown["crack_share"].tolist() == pytest.approx(images["crack_share"].tolist(), abs=1e-6)
    assert len(gpd.read_parquet(folder / "sections.parquet")) == 4
    assert (folder / "survey.gpkg").is_file()


def test_a_view_ahead_without_a_scale_says_so(tmp_path: Path, bundle: Path) -> None:
    (tmp_path / "camera.yaml").write_text(FORWARD)
    row = run_survey(settings(tmp_path, bundle, camera=tmp_path / "camera.yaml"))
    assert row is not None
    images = read_table("images", tmp_path / "out", row["run_id"])
    assert all("view=oblique" in flags for flags in images["flags"])
    sections = read_table("sections", tmp_path / "out", row["run_id"])
    assert sections["crack_m"].isna().all()
    assert sections["flags"].tolist() == ["view=oblique; part surveyed"]


def test_mistakes_show_before_anything_begins(tmp_path: Path, bundle: Path) -> None:
    (tmp_path / "camera.yaml").write_text("{view: down, scale_mm_per_px: 1}")
    (tmp_path / "a.gpx").write_text("no track")
    for road, error in (
        ({"camera": tmp_path / "camera.yaml", "gsd_mm_per_px": 2}, UsageError),
        ({"camera": tmp_path / "gone.yaml"}, UsageError),
        ({"track": tmp_path / "a.gpx"}, DataError),
    ):
        with pytest.raises(error):
            run_survey(settings(tmp_path, bundle, **road))
    for road in ({"section": "ten"}, {"clock_offset": "later"}):
        with pytest.raises(UsageError):
            settings(tmp_path, bundle, **road)


def test_without_packages_for_maps_cracks_are_measured_and_the_page_says_what_is_missing(
    tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(road_check, "PACKAGES", ("no_such_package",))
    row = run_survey(settings(tmp_path, bundle, gsd_mm_per_px=125, section="10m"))
    assert row is not None
    cracks = read_table("cracks", tmp_path / "out", row["run_id"])
    assert len(cracks)
    assert cracks["length_m"].notna().any()
    assert not len(read_table("sections", tmp_path / "out", row["run_id"]))
    assert not (tmp_path / "out" / "geo").exists()
    page = Path(row["report"]).read_text()
    assert "crack-survey[geo]" in page
    track = {"track": tmp_path / "drive.gpx"}
    with pytest.raises(UsageError, match="packages"):
        run_survey(settings(tmp_path / "again", bundle, **track))


def test_a_runs_shares_are_those_of_what_counts_in_its_photographs(tmp_path: Path, bundle: Path) -> None:
    camera = tmp_path / "camera.yaml"
    camera.write_text(FORWARD)
    row = run_survey(settings(tmp_path, bundle, camera=camera))
    assert row is not None
    images = read_table("images", tmp_path / "out", row["run_id"])
    assert set(images["frame_px"]) == {48 * 24}  # the lower half is road
    frames = images["frame_px"].sum()
    assert images["data_reduction"].tolist() == pytest.approx((1 - images["union_px"] / images["frame_px"]).tolist())
    assert row["data_reduction"] == pytest.approx(1 - images["union_px"].sum() / frames)
    assert row["crack_share"] == pytest.approx(images["crack_px"].sum() / frames)
    assert row["segmented_share"] == pytest.approx((images["segmented_share"] * images["frame_px"]).sum() / frames)


def test_a_survey_goes_on_only_with_the_camera_that_it_was_begun_with(tmp_path: Path, bundle: Path) -> None:
    camera = tmp_path / "camera.yaml"
    camera.write_text("{view: down, scale_mm_per_px: 1.2}")
    given = settings(tmp_path, bundle, camera=camera)
    interrupted(given)
    camera.write_text("{view: down, scale_mm_per_px: 2.4}")
    with pytest.raises(UsageError, match=r"camera\.yaml has changed") as refused:
        run_survey(given)
    assert "--abandon" in refused.value.remedy
    camera.unlink()
    with pytest.raises(UsageError, match=r"camera\.yaml.* cannot be read"):
        run_survey(given)
    camera.write_text("{view: down, scale_mm_per_px: 1.2}")
    assert run_survey(given) is not None


def test_a_survey_goes_on_only_with_the_track_that_it_was_begun_with(tmp_path: Path, bundle: Path) -> None:
    track = write_track(tmp_path / "drive.gpx", 9)
    given = settings(tmp_path, bundle, track=track)
    interrupted(given)
    write_track(track, 8)
    with pytest.raises(UsageError, match=r"drive\.gpx has changed"):
        run_survey(given)
    assert run_survey(given, abandon=True) is not None


@pytest.mark.parametrize("scale", [0.0012, 5000])
def test_a_scale_in_another_unit_is_refused(tmp_path: Path, bundle: Path, scale: float) -> None:
    with pytest.raises(UsageError, match=r"--gsd .* are possible"):
        settings(tmp_path, bundle, gsd_mm_per_px=scale)


def test_a_camera_of_another_size_is_told_of(tmp_path: Path, bundle: Path) -> None:
    camera = tmp_path / "camera.yaml"
    camera.write_text("{view: down, size_px: [64, 48], scale_mm_per_px: 1.2}")
    row = run_survey(settings(tmp_path, bundle, camera=camera))
    assert row is not None
    assert "6 of 6 photographs do not have the proportions of the camera" in Path(row["report"]).read_text()


def test_a_track_that_places_nothing_is_told_of(tmp_path: Path, bundle: Path) -> None:
    track = write_track(tmp_path / "drive.gpx", 9)
    row = run_survey(settings(tmp_path, bundle, track=track))
    assert row is not None
    assert "6 of 6 photographs carry no time" in Path(row["report"]).read_text()


def test_what_a_gis_shows_as_a_layers_name_is_the_layers(tmp_path: Path, bundle: Path) -> None:
    row = run_survey(settings(tmp_path, bundle))
    assert row is not None
    folder = tmp_path / "out" / "geo" / row["run_id"]
    named = {path.name: json.loads(path.read_text())["name"] for path in folder.glob("*.geojson")}
    assert named == {f"{layer}.geojson": layer for layer in ("cracks", "sections", "photographs")}
    assert not [path for path in folder.iterdir() if path.name.startswith(".") and path.name != MARK]
