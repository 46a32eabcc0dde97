"""What was removed of a recorded survey is made again when the same is asked, from its tables where they say it."""

from __future__ import annotations

import shutil
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

from pipeline.storage.records import read_table
from pipeline.survey import chunk as chunk_module
from pipeline.survey.layout import surveys_folder
from pipeline.survey.listing import worklist
from pipeline.survey.restore import as_told, restore
from pipeline.survey.road_settings import RoadSettings
from pipeline.survey.settings import SurveySettings
from tests.pipeline.survey.one_process import run_survey
from tests.pipeline.survey.test_road import settings as settings_of_six

TRACK = """<gpx xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>
{}</trkseg></trk></gpx>"""


@pytest.fixture
def settings(tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> SurveySettings:
    """Six photographs, in two parts of each table."""
    monkeypatch.setattr(worklist, "PART_PHOTOGRAPHS", 4)
    return settings_of_six(tmp_path, bundle, gsd_mm_per_px=125, section="10m")


def on_a_track(settings: SurveySettings, folder: Path) -> SurveySettings:
    """The same where a track knows the places, but for that of one photograph."""
    points = (f'<trkpt lat="{10 + n * 4.5e-5}" lon="20"><time>2026-05-31T10:00:0{n}Z</time></trkpt>' for n in range(6))
    (folder / "drive.gpx").write_text(TRACK.format("\n".join(points)))
    lines = [
        f"photographs/p{n:03d}.jpg,2026-05-31T10:00:0{n}Z,{'10.000045,20' if n == 1 else ','},A7" for n in range(6)
    ]
    Path(settings.photos).write_text("\n".join(["path,time,latitude,longitude,route_id", *lines]) + "\n")
    return settings.model_copy(update={"road": RoadSettings(gsd_mm_per_px=125, track=folder / "drive.gpx")})


def no_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunk_module, "loaded_cascade", lambda *_: 1 / 0)


@pytest.mark.parametrize("by_track", [False, True])
@pytest.mark.parametrize("removed", ["geo", "geo/RUN/survey.gpkg", "records/sections", "reports"])
def test_what_the_tables_say_is_made_of_them(
    settings: SurveySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, removed: str, by_track: bool
) -> None:
    if by_track:
        settings = on_a_track(settings, tmp_path)
    first = run_survey(settings)
    assert first is not None
    out, run = settings.target, first["run_id"]
    page = Path(first["report"])
    before = (page.read_text(), gpd.read_parquet(out / "geo" / run / "cracks.parquet"), read_table("sections", out))
    told = gpd.read_parquet(out / "geo" / run / "photographs.parquet")
    gone = out / removed.replace("RUN", run)
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    no_networks(monkeypatch)
    assert run_survey(settings) is None
    assert gone.exists()
    assert page.read_text() == before[0]
    pd.testing.assert_frame_equal(gpd.read_parquet(out / "geo" / run / "cracks.parquet"), before[1])
    pd.testing.assert_frame_equal(gpd.read_parquet(out / "geo" / run / "photographs.parquet"), told)
    assert told["taken_at"].notna().all() == by_track
    pd.testing.assert_frame_equal(read_table("sections", out), before[2])
    assert len(before[1])
    assert len(before[2])
    assert not (surveys_folder(out) / run / "road").exists()


@pytest.mark.parametrize("table", ["cracks", "detections"])
def test_photographs_whose_cracks_are_gone_are_done_again_and_no_others(settings: SurveySettings, table: str) -> None:
    first = run_survey(settings)
    assert first is not None
    (settings.target / "records" / table / f"run_id={first['run_id']}" / "part-00001.parquet").unlink()
    row = run_survey(settings)
    assert row is not None
    assert read_table("images", settings.target, row["run_id"])["name"].tolist() == [
        f"photographs/p{number:03d}.jpg" for number in (4, 5)
    ]
    assert run_survey(settings) is None


def test_a_track_may_have_been_moved_since(settings: SurveySettings, tmp_path: Path) -> None:
    settings = on_a_track(settings, tmp_path)
    first = run_survey(settings)
    assert first is not None
    moved = (tmp_path / "drive.gpx").rename(tmp_path / "moved.gpx")
    gone = settings.target / "geo" / first["run_id"]
    shutil.rmtree(gone)
    assert run_survey(settings.model_copy(update={"road": RoadSettings(gsd_mm_per_px=125, track=moved)})) is None
    assert (gone / "survey.gpkg").exists()


def test_a_track_that_is_gone_is_told_of(settings: SurveySettings, tmp_path: Path) -> None:
    settings = on_a_track(settings, tmp_path)
    first = run_survey(settings)
    assert first is not None
    shutil.rmtree(settings.target / "geo" / first["run_id"])
    (tmp_path / "drive.gpx").unlink()
    (told,) = restore(settings.model_copy(update={"road": RoadSettings()}), [first["run_id"]])
    assert first["run_id"] in told
    assert f"{tmp_path / 'drive.gpx'} is gone" in told


def test_all_is_done_again_where_too_little_is_left_to_make_it_of(settings: SurveySettings) -> None:
    first = run_survey(settings)
    assert first is not None
    shutil.rmtree(settings.target / "geo")
    shutil.rmtree(surveys_folder(settings.target) / first["run_id"])
    row = run_survey(settings)
    assert row is not None
    assert row["photographs"] == 6
    assert run_survey(settings) is None


def test_what_nobody_asks_for_any_more_stays_removed(settings: SurveySettings) -> None:
    first = run_survey(settings)
    assert first is not None
    Path(first["report"]).unlink()
    assert run_survey(settings.model_copy(update={"incremental": False})) is not None
    assert run_survey(settings) is None
    assert not Path(first["report"]).exists()


def test_a_fix_of_its_own_that_was_refused_is_still_told() -> None:
    row = {"latitude_deg": 1.0, "position_source": "track", "flags": "no heading; fix jumps"}
    assert as_told(row)["latitude_deg"] == 1.0
    assert as_told(row | {"flags": "no heading"})["latitude_deg"] is None
