"""What is recorded is not done again; what has changed is. One survey an output at a time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow.dataset as ds
import pytest
from PIL import ExifTags
from PIL import Image as Pillow

from models.errors import DataError
from pipeline.storage.records import read_table, runs_json
from pipeline.survey.layout import surveys_folder
from pipeline.survey.listing.photographs import Failure, Photograph
from pipeline.survey.listing.worklist import count_chunks, fingerprint, read_chunk, write_work_list
from pipeline.survey.lock import hold
from pipeline.survey.marks import put_mark
from pipeline.survey.plan import begin
from pipeline.survey.road_settings import RoadSettings
from pipeline.survey.settings import SurveySettings
from tests.pipeline.survey.conftest import make_bundle
from tests.pipeline.survey.one_process import run_survey


@pytest.fixture
def settings(tmp_path: Path, bundle: Path, photographs: Path) -> SurveySettings:
    (photographs / "bad.jpg").write_text("no picture")
    return SurveySettings(photos=str(photographs), bundle=bundle, out=tmp_path / "out", chunk=5, device="cpu")


def names_of(settings: SurveySettings, run_id: str) -> list[str]:
    tables = (read_table(table, settings.target, run_id) for table in ("images", "failures"))
    return sorted(name for table in tables for name in table["name"])


def test_only_what_is_new_or_changed(settings: SurveySettings, photographs: Path) -> None:
    assert run_survey(settings) is not None
    assert run_survey(settings) is None
    (photographs / "p012.jpg").write_bytes((photographs / "p000.jpg").read_bytes())  # new
    (photographs / "p003.jpg").write_bytes((photographs / "p004.jpg").read_bytes())  # changed
    os.utime(photographs / "p005.jpg")  # touched: the same content
    times = (photographs / "p006.jpg").stat()
    other = (photographs / "p007.jpg").read_bytes()
    (photographs / "p006.jpg").write_bytes(other[: times.st_size].ljust(times.st_size))
    os.utime(photographs / "p006.jpg", ns=(times.st_atime_ns, times.st_mtime_ns))  # changed, and looks as before
    (photographs / "bad.jpg").write_bytes((photographs / "p001.jpg").read_bytes())  # mended
    row = run_survey(settings)
    assert row is not None
    assert names_of(settings, row["run_id"]) == ["bad.jpg", "p003.jpg", "p006.jpg", "p012.jpg"]
    assert run_survey(settings) is None


def test_a_photograph_that_changes_back_is_done_again(settings: SurveySettings, photographs: Path) -> None:
    before = (photographs / "p003.jpg").read_bytes()
    run_survey(settings)
    (photographs / "p003.jpg").write_bytes((photographs / "p004.jpg").read_bytes())
    run_survey(settings)
    (photographs / "p003.jpg").write_bytes(before)
    row = run_survey(settings)
    assert row is not None
    assert names_of(settings, row["run_id"]) == ["p003.jpg"]


def test_another_bundle_looks_at_everything_again(settings: SurveySettings, tmp_path: Path) -> None:
    run_survey(settings)
    row = run_survey(settings.model_copy(update={"bundle": make_bundle(tmp_path / "other", seed=2)}))
    assert row is not None
    assert row["photographs"] == 13


def test_everything_again_if_asked(settings: SurveySettings) -> None:
    run_survey(settings)
    row = run_survey(settings.model_copy(update={"incremental": False}))
    assert row is not None
    assert row["photographs"] == 13
    assert len(read_table("runs", settings.target)) == 2


def test_failures_that_may_pass_are_tried_again(settings: SurveySettings, photographs: Path) -> None:
    (photographs / "later.jpg").symlink_to("not_here_yet.png")
    first = run_survey(settings)
    assert first is not None
    assert first["failures"] == 2
    row = run_survey(settings)
    assert row is not None
    assert names_of(settings, row["run_id"]) == ["later.jpg"]


def test_the_record_opens_as_one_data_set(settings: SurveySettings) -> None:
    row = run_survey(settings)
    assert row is not None
    for table, rows in (("images", 12), ("failures", 1), ("detections", row["detections"]), ("runs", 1)):
        opened = ds.dataset(settings.target / "records" / table, partitioning="hive").to_table()
        assert len(opened) == rows
        assert set(opened["run_id"].to_pylist()) == {row["run_id"]}
    assert runs_json(settings.target)["runs"][0]["settings"]["bundle_sha256"]


def test_nothing_shows_before_the_end(settings: SurveySettings) -> None:
    seen: list[bool] = []
    run_survey(settings, report=lambda _: seen.append((settings.target / "records").exists()))
    assert seen == [False] * 3


def test_parts_hold_many_chunks(settings: SurveySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.survey.listing.worklist.PART_PHOTOGRAPHS", 10)
    row = run_survey(settings)
    assert row is not None
    for table in ("images", "detections", "failures"):
        folder = settings.target / "records" / table / f"run_id={row['run_id']}"
        assert [path.name for path in sorted(folder.glob("[!.]*"))] == ["part-00000.parquet", "part-00001.parquet"]
    assert list(read_table("images", settings.target)["name"]) == [f"p{n:03d}.jpg" for n in range(12)]


def test_an_empty_folder_is_an_error_that_says_what_was_passed_over(settings: SurveySettings, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("x")
    with pytest.raises(DataError, match="holds no photograph; passed over: 1 not named as a picture"):
        run_survey(settings.model_copy(update={"photos": str(tmp_path / "empty")}))
    assert not list(surveys_folder(settings.target).glob("*/"))


def test_masks_as_wanted(settings: SurveySettings) -> None:
    run_survey(settings.model_copy(update={"masks": "none"}))
    assert not (settings.target / "masks").exists()
    assert read_table("images", settings.target)["mask"].isna().all()


@pytest.mark.parametrize(
    ("first", "then", "again"),
    [
        ({"masks": "none"}, {"masks": "all"}, 12),
        ({"masks": "none"}, {"masks": "cracked"}, 12),
        ({"masks": "cracked"}, {"masks": "none"}, 0),
        ({}, {"overlays": True}, 12),
        ({"overlays": True}, {}, 0),
        ({}, {"road": RoadSettings(gsd_mm_per_px=1.5)}, 12),
        ({"road": RoadSettings(section="50m")}, {"road": RoadSettings(section="50m")}, 0),
    ],
)
def test_what_is_asked_for_and_missing_is_made(
    settings: SurveySettings, first: dict[str, object], then: dict[str, object], again: int
) -> None:
    run_survey(settings.model_copy(update=first))
    asked = settings.model_copy(update=then)
    row = run_survey(asked)
    assert (row["images"] if row else 0) == again
    if row and then.get("masks") == "all":
        images = read_table("images", settings.target, row["run_id"])
        assert all((settings.target / path).is_file() for path in images["mask"])
    assert run_survey(asked) is None


def test_a_mask_that_was_removed_is_made_again(settings: SurveySettings) -> None:
    first = run_survey(settings)
    assert first is not None
    (settings.target / "masks" / first["run_id"] / "p003.jpg.png").unlink()
    row = run_survey(settings)
    assert row is not None
    assert names_of(settings, row["run_id"]) == ["p003.jpg"]


def test_places_that_change_in_the_manifest_are_a_change(settings: SurveySettings, photographs: Path) -> None:
    manifest = photographs / "manifest.csv"
    asked = settings.model_copy(update={"photos": str(manifest)})
    manifest.write_text("path,chainage\np000.jpg,\np001.jpg,5\np002.jpg,7\n")
    assert run_survey(asked) is not None
    assert run_survey(asked) is None
    for lines, changed in (
        ("3\np001.jpg,5\np002.jpg,8", ["p000.jpg", "p002.jpg"]),
        ("3\np001.jpg,\np002.jpg,8", ["p001.jpg"]),
    ):
        manifest.write_text(f"path,chainage\np000.jpg,{lines}\n")
        row = run_survey(asked)
        assert row is not None
        assert names_of(asked, row["run_id"]) == changed
        assert run_survey(asked) is None


def test_places_that_the_files_tell_are_no_change(settings: SurveySettings, photographs: Path) -> None:
    for path in photographs.glob("p*.jpg"):
        with Pillow.open(path) as picture:
            exif = picture.getexif()
            exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (38.0, 43.0, 12.0), 3: "W", 4: (9.0, 8.0, 24.0)})
            picture.save(path, exif=exif)
    row = run_survey(settings)
    assert row is not None
    assert read_table("images", settings.target)["latitude_deg"].notna().all()
    assert run_survey(settings) is None


def test_a_second_survey_is_refused_and_told_by_whom(settings: SurveySettings) -> None:
    code = (
        "import sys, time; from pathlib import Path; from pipeline.survey.lock import hold\n"
        "with hold(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    folder = surveys_folder(settings.target)
    with subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(DataError, match=f"already writing to .*process {other.pid} on "):
            run_survey(settings)
        other.kill()  # and the lock goes with it
        other.wait()
    assert run_survey(settings) is not None


def test_the_lock_holds_within_a_process(tmp_path: Path) -> None:
    with hold(tmp_path), pytest.raises(DataError), hold(tmp_path):
        pass
    with hold(tmp_path):
        pass


def test_a_listing_that_was_cut_off_leaves_nothing(settings: SurveySettings) -> None:
    cut_off = "20260101T000000-abcdef"
    put_mark(surveys_folder(settings.target) / cut_off, cut_off)
    (surveys_folder(settings.target) / cut_off / "worklist").mkdir()
    put_mark(settings.target / "masks" / cut_off, cut_off)
    survey = begin(settings)
    assert survey is not None
    for folder in (surveys_folder(settings.target), settings.target / "masks"):
        assert [path.name for path in folder.iterdir()] == [survey.plan.run_id]


@pytest.mark.parametrize("count", [1, 4, 5, 23])
def test_a_work_list_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr("pipeline.survey.listing.worklist.PART_PHOTOGRAPHS", 12)
    photographs = [
        Photograph(f"{n}.jpg", f"s{n}", failure=Failure("list", "outside", "m") if n % 3 == 0 else None)
        for n in range(count)
    ]
    parts = write_work_list(iter(photographs), 4, tmp_path)
    assert count_chunks(parts, 4) == -(-count // 4)
    read = [read_chunk(tmp_path, parts, 4, number) for number in range(count_chunks(parts, 4))]
    assert [one for chunk in read for one in chunk] == photographs
    assert read_chunk(tmp_path, parts, 4, count_chunks(parts, 4) - 1)[-1] == photographs[-1]
    assert fingerprint(parts) == fingerprint(write_work_list(iter(photographs), 4, tmp_path / "again"))
    assert fingerprint(parts) != fingerprint(write_work_list(photographs[::-1] + photographs, 4, tmp_path / "other"))
