"""EXIF's time and place: what counts, and every trap in which a camera tells something wrong."""

from __future__ import annotations

import io
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import ExifTags
from PIL import Image as Pillow
from PIL.TiffImagePlugin import IFDRational

from pipeline.storage.records import read_table
from pipeline.survey.listing.exif import Told, fill_place, read_exif, told_by
from pipeline.survey.listing.photographs import Photograph
from pipeline.survey.settings import SurveySettings
from tests.pipeline.survey.one_process import run_survey

GPS, BASE = ExifTags.GPS, ExifTags.Base
FIX: dict[int, Any] = {
    GPS.GPSLatitudeRef: "N",
    GPS.GPSLatitude: (38.0, 43.0, 12.0),
    GPS.GPSLongitudeRef: "W",
    GPS.GPSLongitude: (9.0, 8.0, 24.0),
}
LOCAL: dict[int, Any] = {BASE.DateTimeOriginal: "2026:05:31 15:05:09"}
STAMP: dict[int, Any] = {GPS.GPSDateStamp: "2026:05:31", GPS.GPSTimeStamp: (14.0, 5.0, 9.0)}


def jpeg(gps: dict[int, Any], camera: dict[int, Any], size: int = 48) -> bytes:
    exif = Pillow.Exif()
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(gps)
    exif.get_ifd(ExifTags.IFD.Exif).update(camera)
    target = io.BytesIO()
    Pillow.new("RGB", (size, size), (130, 130, 130)).save(target, "JPEG", exif=exif)
    return target.getvalue()


def test_a_whole_fix_through_a_file() -> None:
    more = {GPS.GPSImgDirection: 271.5, GPS.GPSImgDirectionRef: "M"}
    told = read_exif(jpeg(FIX | STAMP | more, LOCAL))
    assert (told.latitude_deg, told.longitude_deg) == (pytest.approx(38.72), pytest.approx(-9.14))
    assert told.taken_at == datetime(2026, 5, 31, 14, 5, 9, tzinfo=UTC)
    assert told.taken_local == "2026-05-31T15:05:09"
    assert (told.heading_deg, told.heading_reference) == (271.5, "magnetic")


def test_damaged_exif_is_passed_over_in_silence(tmp_path: Path) -> None:
    whole = jpeg(FIX, LOCAL)
    entry = whole.index(b"\x00\x02\x00\x05\x00\x00\x00\x03")  # the tag GPSLatitude: rationals, three of them
    (tmp_path / "1.jpg").write_bytes(whole[: entry + 8] + b"\x7f\0\0\0" + whole[entry + 12 :])
    code = f"from pipeline.survey.process import *; print(read_exif(open({str(tmp_path / '1.jpg')!r}, 'rb').read()))"
    # A process of its own, since pytest has filters of its own.
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "taken_local='2026-05-31T15:05:09', latitude_deg=None" in done.stdout
    assert done.stderr == ""


def test_a_local_time_is_never_taken_for_utc() -> None:
    assert told_by(LOCAL, FIX)[:2] == (None, "2026-05-31T15:05:09")
    assert told_by(LOCAL | {BASE.OffsetTimeOriginal: "+01:00"}, {}).taken_at == datetime(
        2026, 5, 31, 14, 5, 9, tzinfo=UTC
    )
    assert told_by(LOCAL | {BASE.OffsetTimeOriginal: "   :  "}, {}).taken_at is None
    assert told_by({BASE.DateTime: "2026:05:31 15:05:09"}, {}) == Told()  # when a program changed the file


@pytest.mark.parametrize(
    "text", ["0000:00:00 00:00:00", "    :  :     :  :  ", "2026:05:31 24:00:00", "1970:01:01 00:00:00", ""]
)
def test_a_clock_that_nobody_set(text: str) -> None:
    assert told_by({BASE.DateTimeOriginal: text}, {}) == Told()


@pytest.mark.parametrize(
    "change",
    [
        {GPS.GPSLatitude: (IFDRational(0, 0), IFDRational(0, 0), IFDRational(0, 0))},
        {GPS.GPSLatitude: (0.0, 0.0, 0.0), GPS.GPSLongitude: (0.0, 0.0, 0.0)},
        {GPS.GPSLatitudeRef: ""},
        {GPS.GPSLongitudeRef: b"\0\0"},
        {GPS.GPSLatitudeRef: "E"},
        {GPS.GPSLatitude: (91.0, 0.0, 0.0)},
        {GPS.GPSLatitude: (38.0, 61.0, 0.0)},
        {GPS.GPSLatitude: ()},
        {GPS.GPSStatus: "V"},
        {GPS.GPSMapDatum: "TOKYO"},
    ],
)
def test_no_position(change: dict[int, Any]) -> None:
    told = told_by({}, FIX | change)
    assert (told.latitude_deg, told.longitude_deg) == (None, None)


def test_seconds_rounded_up_to_sixty_are_a_minute() -> None:
    told = told_by({}, FIX | {GPS.GPSLatitude: (38.0, 43.0, 60.0)})
    assert told.latitude_deg == pytest.approx(38 + 44 / 60)


def test_references_as_bytes_and_headings() -> None:
    told = told_by({}, FIX | {GPS.GPSLatitudeRef: b"S\0", GPS.GPSImgDirection: 360.0, GPS.GPSImgDirectionRef: "T"})
    assert told.latitude_deg == pytest.approx(-38.72)
    assert (told.heading_deg, told.heading_reference) == (0.0, "true")
    assert told_by({}, {GPS.GPSImgDirection: IFDRational(0, 0), GPS.GPSTrack: 90.0}).heading_deg is None


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff", jpeg(FIX, LOCAL)[:200], b"II*\0" + b"\xff" * 200])
def test_damage_tells_nothing(content: bytes) -> None:
    assert read_exif(content).latitude_deg is None


def test_the_manifest_wins() -> None:
    told = Told(None, "2026-05-31T15:05:09", 1.0, 2.0, 3.0, "true")
    given = Photograph("a", latitude_deg=5.0, longitude_deg=6.0, taken_at=datetime(2026, 1, 1, tzinfo=UTC))
    filled = fill_place(given, told)
    assert (filled.latitude_deg, filled.longitude_deg, filled.heading_deg) == (5.0, 6.0, 3.0)
    assert (filled.taken_at, filled.taken_local) == (given.taken_at, None)


def test_a_day_alone_gives_way_to_the_time_of_that_day() -> None:
    told = Told(datetime(2026, 5, 31, 14, 5, 9, tzinfo=UTC), "2026-05-31T15:05:09")
    filled = fill_place(Photograph("a", taken_local="2026-05-31"), told)
    assert (filled.taken_at, filled.taken_local) == (told.taken_at, told.taken_local)
    by_gps = fill_place(Photograph("a", taken_local="2026-05-31"), told._replace(taken_local=None))
    assert by_gps.taken_at == told.taken_at
    for local in ("2026-06-01", "2026-05-31T08:00:00"):
        filled = fill_place(Photograph("a", taken_local=local), told)
        assert (filled.taken_at, filled.taken_local) == (None, local)
    assert fill_place(Photograph("a", taken_local="2026-05-31"), Told()).taken_local == "2026-05-31"


def test_exif_reaches_the_record(tmp_path: Path, bundle: Path) -> None:
    (tmp_path / "photographs").mkdir()
    (tmp_path / "photographs" / "1.jpg").write_bytes(jpeg(FIX | STAMP, LOCAL))
    run_survey(SurveySettings(photos=str(tmp_path / "photographs"), bundle=bundle, out=tmp_path / "out", device="cpu"))
    image = read_table("images", tmp_path / "out").iloc[0]
    assert image["latitude_deg"] == pytest.approx(38.72)
    assert image["taken_at"] == pd.Timestamp("2026-05-31T14:05:09Z")
    assert image["taken_local"] == "2026-05-31T15:05:09"


@pytest.mark.parametrize("day", ["2999:01:01", "1980:01:06", "9999:12:31"])
def test_a_year_that_is_none_of_ours_tells_nothing(day: str) -> None:
    camera = {BASE.DateTimeOriginal: f"{day} 00:00:00", BASE.OffsetTimeOriginal: "+00:00"}
    gps = {GPS.GPSDateStamp: day, GPS.GPSTimeStamp: (12.0, 0.0, 0.0)}
    assert told_by(camera, {}).taken_at is None
    assert told_by({}, gps).taken_at is None
