"""Lists of photographs as people have them: CSV of spreadsheets, a path a line, JSON, other names of columns."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.errors import DataError, UsageError
from pipeline.survey.listing.columns import NAMES, WEAK, plain, read_header
from pipeline.survey.listing.lists import SUFFIXES
from pipeline.survey.listing.photographs import Photograph
from pipeline.survey.listing.sources import open_source
from pipeline.survey.settings import SurveySettings

DOCS = Path(__file__).resolve().parents[4] / "docs" / "manifests.md"
MOMENT = datetime(2026, 5, 31, 14, 5, 9, tzinfo=UTC)


def listed(tmp_path: Path, content: str | bytes, name: str = "list.csv", **more: Any) -> list[Photograph]:
    (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return list(source_of(tmp_path / name, **more).photographs())


def source_of(path: Path, **more: Any) -> Any:
    return open_source(SurveySettings(photos=str(path), bundle=path.parent / "b", out=path.parent / "out", **more))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.txt", "1.jpg\n\n2, left.jpg\r\n"),
        ("LIST.TXT", "\ufeff1.jpg\n2, left.jpg"),
        ("list.json", '["1.jpg", "2, left.jpg"]'),
        ("list.JSON", '[{"path": "1.jpg"}, {"path": "2, left.jpg", "latitude": null}]'),
        ("LIST.CSV", "path\n1.jpg\n2, left.jpg\n"),
        ("list.tsv", "file_name\tcamera\n1.jpg\tA\n2, left.jpg\tB\n"),
        ("list.csv", 'Photo\n1.jpg\n"2, left.jpg"\n'),
        ("list.csv", "sep=;\nimage;lane\n1.jpg;\n2, left.jpg;\n"),
        ("list.txt", "path\tlane\n1.jpg\t\n2, left.jpg\t\n".encode("utf-16")),
        ("list.csv", "path\n1.jpg\n2, left.jpg\n".encode("utf-16-le")),
        ("list.csv", "path\n1.jpg\n2, left.jpg\n".encode("utf-16-be").join([b"\xfe\xff", b""])),
    ],
)
def test_the_formats_that_lists_come_in(tmp_path: Path, name: str, content: str | bytes) -> None:
    assert [photograph.name for photograph in listed(tmp_path, content, name)] == ["1.jpg", "2, left.jpg"]


@pytest.mark.parametrize("name", ["list.xlsx", "list.ODS", "list.geojson"])
def test_other_formats_are_refused_as_usage(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError) as told:
        listed(tmp_path, b"PK\3\4", name)
    assert all(suffix in told.value.remedy for suffix in SUFFIXES)


@pytest.mark.parametrize(
    "content",
    ["{}", "[1]", "[", "\xff\xfe", "[" * 100_000, '[{"path": ' + "9" * 10_000 + "}]", '{"a": [["b"]]}', "[[1.5]]"],
)
def test_json_that_is_no_list(tmp_path: Path, content: str) -> None:
    with pytest.raises(DataError) as told:
        listed(tmp_path, content, "list.json")
    assert len(str(told.value)) < 2000


@pytest.mark.parametrize("given", ["camera", "name", "stamp", "path_is_long"])
def test_a_line_without_end_is_not_read_into_memory(tmp_path: Path, given: str) -> None:
    with pytest.raises(DataError, match=r"over 1,000,000|field larger"):
        listed(tmp_path, f"{given},path\n" + "1" * 3_000_000)


@pytest.mark.parametrize("name", ["list.csv", "list.json", "list.parquet"])
def test_a_pipe_is_not_waited_for(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(DataError, match="pipe"):
        list(source_of(tmp_path / name).photographs())


def test_a_text_that_unfolds_is_refused(tmp_path: Path) -> None:
    # Written as it is kept, one text and 4096 references to it: 4 GB of text would be made for a file of kilobytes.
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 4096, pa.int32()), ["x" * 1_000_000])
    pq.write_table(pa.table({"path": texts}), tmp_path / "list.parquet", store_schema=False)
    assert pq.read_schema(tmp_path / "list.parquet").field("path").type == pa.string()
    with pytest.raises(DataError, match="text of 1000000 bytes"):
        list(source_of(tmp_path / "list.parquet").photographs())


@pytest.mark.parametrize(
    ("header", "line", "fields"),
    [
        ("lat,lon,timestamp,station", "38.72,-9.14,2026-05-31T14:05:09Z,1250", {}),
        ("Latitude (°),Longitude (°),Time,Chainage [m]", "38.72,-9.14,2026-05-31T16:05:09+02:00,1250", {}),
        ("y,x,DateTime,chainage_km", "38.72,-9.14,1780236309,1.25", {}),
        ("GPSLatitude,GPSLongitude,time_utc,km", "38.72,-9.14,2026:05:31 14:05:09,1+250", {}),
        ("lat,lng,date,time,pk", "38.72,-9.14,2026-05-31,14:05:09,1.25", {}),
        ("lat,lng,date,time,pk", "38.72,-9.14,31.05.2026,14:05:09Z,1.25", {}),
        ("lat,lon,x,y,timestamp,sta", "38.72,-9.14,487000,4285000,1780236309000,1250", {}),
        ("lat,lon,time,milepost", f"38.72,-9.14,2026-05-31T14:05:09,{1250 / 1609.344!r}", {}),
    ],
)
def test_usual_names_and_units(tmp_path: Path, header: str, line: str, fields: dict[str, Any]) -> None:
    (found,) = listed(tmp_path, f"path,{header}\n1.jpg,{line}\n")
    assert found.failure is None
    assert (found.latitude_deg, found.longitude_deg, found.taken_at) == (38.72, -9.14, MOMENT)
    assert found.chainage_m == pytest.approx(1250)


def test_route_lane_heading_and_scale(tmp_path: Path) -> None:
    header = "file;Road;Dir;Lane No;yaw;gsd_cm;DateTimeOriginal\n"
    (found,) = listed(tmp_path, header + "1.jpg;A7;N;2;-90;0,12;2026:05:31 14:05:09\n")
    assert (found.route_id, found.direction, found.lane) == ("A7", "N", "2")
    assert (found.heading_deg, found.gsd_mm_per_px) == (270.0, pytest.approx(1.2))
    assert (found.taken_at, found.taken_local) == (None, "2026-05-31T14:05:09")


def test_a_date_alone_invents_no_time_of_day(tmp_path: Path) -> None:
    (found,) = listed(tmp_path, "path,date\n1.jpg,2026-05-31\n")
    assert (found.taken_at, found.taken_local) == (None, "2026-05-31")


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_decimal_commas(tmp_path: Path, delimiter: str) -> None:
    text = "path;latitude;longitude;chainage\n1.jpg;38,72;-9,14;1250\n2.jpg;38,72;-9.14;0\n3.jpg;38.72;-9.14;1250.5\n"
    good, mixed, pointed = listed(tmp_path, text.replace(";", delimiter))
    assert (good.latitude_deg, good.longitude_deg, good.chainage_m) == (38.72, -9.14, 1250)
    assert mixed.failure is not None
    assert "comma and with a point" in mixed.failure.message
    assert (pointed.latitude_deg, pointed.chainage_m) == (38.72, 1250.5)


def test_a_comma_that_may_part_thousands_is_told(tmp_path: Path) -> None:
    text = "path;chainage;latitude;longitude\n1.jpg;1,234;;\n2.jpg;1,23;;\n3.jpg;950;;\n4.jpg;1,234;38,720;-9,140\n"
    assert [one.chainage_m for one in listed(tmp_path, text)] == [1.234, 1.23, 950, 1.234]
    unsure, decimal, plain, shown = listed(tmp_path, text.replace(";", "\t"))
    assert unsure.failure is not None
    assert "Line 2" in unsure.failure.message
    assert "write 1.234 or 1234" in unsure.failure.message
    assert [one.chainage_m for one in (decimal, plain, shown)] == [1.23, 950, 1.234]


def test_columns_that_are_not_known_are_told(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("path,weather,name,camera\n1.jpg,rain,n,left\n")
    source = source_of(tmp_path / "list.csv")
    assert len(list(source.photographs())) == 1
    assert dict(source.passed_over) == {"of the manifest's columns ('weather', 'name', 'camera')": 3}


@pytest.mark.parametrize("header", ["path,lat,gps_latitude", "lat,lat,path", "file,file_name", "path,path"])
def test_two_columns_for_one_thing(tmp_path: Path, header: str) -> None:
    with pytest.raises(DataError, match=r"twice|one name"):
        listed(tmp_path, f"{header}\n" + ",".join(["1"] * len(header.split(","))))


def test_windows_separators_where_they_name_a_file(tmp_path: Path) -> None:
    (tmp_path / "roads").mkdir()
    (tmp_path / "roads" / "1.jpg").write_bytes(b"x")
    (tmp_path / "odd\\name.jpg").write_bytes(b"x")
    names = [photograph.name for photograph in listed(tmp_path, "path\nroads\\1.jpg\nodd\\name.jpg\nroads\\no.jpg\n")]
    assert names == ["roads/1.jpg", "odd\\name.jpg", "roads\\no.jpg"]
    first, second = listed(tmp_path, "path\nroads/1.jpg\n.\\roads\\1.jpg\n")
    assert first.failure is None
    assert second.failure is not None
    assert second.failure.kind == "duplicate"
    (outside,) = listed(tmp_path / "roads", "path\n..\\odd.jpg\n")
    assert outside.stamp == ""


def test_a_secret_in_a_line_is_told_and_not_repeated(tmp_path: Path) -> None:
    (found,) = listed(tmp_path, "path\nhttps://host/1.jpg?X-Amz-Signature=hunter2\n", allow_outside=True)
    assert found.failure is not None
    assert found.failure.kind == "credentials"
    assert "hunter2" not in repr(found)


def test_the_table_in_the_docs_is_the_one_in_the_code() -> None:
    text = DOCS.read_text(encoding="utf-8")
    rows = [re.findall(r"`([^`]+)`", row) for row in text.splitlines() if row.startswith("| `")]
    written = {frozenset(row) for row in rows}
    assert written == {frozenset([*own.split(", "), *usual.split(", ")]) for _, own, usual in NAMES}
    assert f"`{WEAK.replace(', ', '`, `')}`" in text
    assert all(f"`{suffix}`" in text for suffix in SUFFIXES)


def test_no_name_stands_for_two_columns() -> None:
    names = [plain(name) for _, own, usual in NAMES for name in f"{own}, {usual}".split(", ")]
    assert len(names) == len(set(names))
    for column, own, usual in NAMES:
        for name in f"{own}, {usual}".split(", "):
            path = [] if column.field == "path" else ["path"]
            assert read_header([*path, name], "m.csv").known[name] == column


def test_json_numbers_and_text(tmp_path: Path) -> None:
    objects = [{"file": "1.jpg", "lat": 38.72, "lon": "-9,14", "lane": 2, "weather": {"rain": True}}]
    (found,) = listed(tmp_path, json.dumps(objects), "list.json")
    assert (found.latitude_deg, found.longitude_deg, found.lane) == (38.72, -9.14, "2")


@pytest.mark.parametrize(
    ("north", "west"),
    [
        ('38 deg 43\' 12.00"" N', '9 deg 8\' 24.00"" W'),
        ('38°43\'12""N', '9°8\'24""W'),
        ("38° 43.2' n", "9° 8.4' w"),
        ("38.72 N", "9.14W"),
    ],
)
def test_positions_with_the_letter_of_their_side(tmp_path: Path, north: str, west: str) -> None:
    text = f'SourceFile,GPSLatitude,GPSLongitude\n1.jpg,"{north}","{west}"\n2.jpg,"{west}","{north}"\n'
    read, swapped = listed(tmp_path, text)
    assert (read.latitude_deg, read.longitude_deg) == pytest.approx((38.72, -9.14))
    assert swapped.failure is not None
    assert "not a number" in swapped.failure.message


@pytest.mark.parametrize("given", ['38 deg 43\' 12.00""', "38 deg 75' N", "95 deg 0' N", "38 43 12 N"])
def test_positions_that_may_be_elsewhere_are_refused(tmp_path: Path, given: str) -> None:
    (line,) = listed(tmp_path, f'path,lat,lon\n1.jpg,"{given}",9\n')
    assert line.failure is not None
    assert "latitude_deg is" in line.failure.message
