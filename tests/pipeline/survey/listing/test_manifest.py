"""Manifests: what they tell of a photograph, and every way in which a line can be wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import DataError
from pipeline.storage.records import read_table
from pipeline.survey.listing.columns import Column
from pipeline.survey.listing.lists import read_lines
from pipeline.survey.listing.manifest import read_manifest
from pipeline.survey.listing.photographs import Photograph
from pipeline.survey.listing.stores import LocalStore
from pipeline.survey.settings import SurveySettings
from tests.pipeline.survey.one_process import run_survey

HEADER = "path,time,latitude,longitude,chainage,gsd_mm_per_px\n"


def photographs_of(manifest: Path, allow_outside: bool = False) -> list[Photograph]:
    root = str(manifest.parent.resolve())
    return list(read_manifest(str(manifest), root, LocalStore(Path(root), allow_outside), allow_outside))


def from_text(tmp_path: Path, text: str | bytes, name: str = "list.csv") -> list[Photograph]:
    (tmp_path / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return photographs_of(tmp_path / name)


def test_a_whole_line(tmp_path: Path) -> None:
    (found,) = from_text(tmp_path, HEADER + "a/1.jpg,2026-05-31T14:05:09+02:00,52.5,13.4,1250.5,1.2\n")
    assert found == Photograph(
        "a/1.jpg", "", datetime(2026, 5, 31, 12, 5, 9, tzinfo=UTC), 52.5, 13.4, 1250.5, 1.2, None
    )


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + HEADER + "1.jpg,,,,7,\n",
        HEADER.replace(",", ";") + "1.jpg;;;;7;\n",
        HEADER.replace(",", "\t") + "1.jpg\t\t\t\t7\t\n",
        HEADER.upper() + '"1.jpg",,,,7,\n',
        "camera,path,chainage_m\nleft,1.jpg,7\n",
        HEADER.strip() + "\r\n1.jpg,,,,7,\r\n",
    ],
)
def test_dialects(tmp_path: Path, text: str) -> None:
    (found,) = from_text(tmp_path, text)
    assert (found.name, found.chainage_m, found.latitude_deg) == ("1.jpg", 7.0, None)


@pytest.mark.parametrize(
    ("line", "kind", "told"),
    [
        (",,52,13,,", "bad line", "names no photograph"),
        ("   ,,52,13,,", "bad line", "names no photograph"),
        ("1.jpg,,52,5,13,4,7", "bad line", "more cells than the header"),
        ("1.jpg,,91,13,,", "bad line", "latitude_deg is 91"),
        ("1.jpg,,52,-180.5,,", "bad line", "longitude_deg"),
        ("1.jpg,,north,13,,", "bad line", "not a number"),
        ("1.jpg,,52,,,", "bad line", "go together"),
        ("1.jpg,,nan,inf,,", "bad line", "longitude_deg"),
        ("1.jpg,yesterday,,,,", "bad line", "time is 'yesterday'"),
        ("1.jpg,,,,,0", "bad line", "gsd_mm_per_px is 0"),
        ('1.jpg,,,,"1,5",', "bad line", "not a number"),
        ("../1.jpg,,,,,", "outside", "outside the survey's root"),
        ("a/../../1.jpg,,,,,", "outside", "--allow-outside"),
        ("/etc/passwd,,,,,", "outside", "/etc/passwd"),
        ("file:///etc/passwd,,,,,", "outside", "/etc/passwd"),
        ("..,,,,,", "outside", "outside the survey's root"),
    ],
)
def test_a_bad_line_is_told_of_and_the_next_is_read(tmp_path: Path, line: str, kind: str, told: str) -> None:
    bad, good = from_text(tmp_path, f"{HEADER}{line}\n2.jpg,,,,,\n")
    assert bad.failure is not None
    assert (bad.failure.stage, bad.failure.kind) == ("list", kind)
    assert told in bad.failure.message
    assert "Line 2" in bad.failure.message
    assert good == Photograph("2.jpg")


def test_doubled_lines_by_whatever_way_they_are_written(tmp_path: Path) -> None:
    found = from_text(tmp_path, f"path\n1.jpg\n./1.jpg\na/../1.jpg\n{tmp_path.resolve()}/1.jpg\n1.JPG\n")
    assert [photograph.failure.kind if photograph.failure else "" for photograph in found] == [
        "",
        *["duplicate"] * 3,
        "",
    ]
    assert "Line 3" in str(found[1].failure)
    assert "after line 2" in str(found[1].failure)


def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    (found,) = from_text(tmp_path, b"path\ncaf\xe9.jpg\n")
    assert found.name == r"caf\xe9.jpg"
    assert found.failure is not None
    assert found.failure.kind == "name not UTF-8"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no column 'path'"),
        ("camera,lat\nleft,3\n", "no column 'path', only: 'camera', 'lat'"),
        (HEADER, "lists no photograph"),
        ("path,chainage,chainage_m\n1.jpg,1,2\n", "twice"),
        (HEADER + "1.jpg\0,,,,,\n", None),
    ],
)
def test_a_manifest_that_cannot_be_used(tmp_path: Path, text: str, told: str | None) -> None:
    if told is None:  # one line, or all of them: but never a traceback
        try:
            from_text(tmp_path, text)
        except DataError:
            return
    else:
        with pytest.raises(DataError, match=told):
            from_text(tmp_path, text)


def test_parquet(tmp_path: Path) -> None:
    moments = pd.to_datetime(["2026-05-31T14:05:09.123456789Z", None], utc=True)
    frame = pd.DataFrame(
        {"path": ["1.jpg", "2.jpg"], "time": moments, "latitude": [52.5, None], "longitude": [13, None]}
    )
    frame.to_parquet(tmp_path / "list.parquet")
    first, second = photographs_of(tmp_path / "list.parquet")
    assert first.taken_at == datetime(2026, 5, 31, 14, 5, 9, 123456, tzinfo=UTC)
    assert (first.latitude_deg, first.longitude_deg) == (52.5, 13.0)
    assert second == Photograph("2.jpg")
    (tmp_path / "list.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(DataError, match="cannot be read"):
        photographs_of(tmp_path / "list.parquet")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), min_size=1, max_size=8))
def test_every_line_has_one_photograph_or_failure(tmp_path_factory: pytest.TempPathFactory, paths: list[str]) -> None:
    manifest = tmp_path_factory.mktemp("any") / "list.parquet"
    pd.DataFrame({"path": paths}).to_parquet(manifest)
    found = photographs_of(manifest)
    assert len(found) == len(paths)
    good = [photograph.name for photograph in found if photograph.failure is None]
    assert len(good) == len(set(good))
    assert not [name for name in good if name.startswith(("/", "../"))]


def test_places_reach_the_record(tmp_path: Path, bundle: Path, photographs: Path) -> None:
    lines = "p000.jpg,2026-05-31T14:05:09,52.5,13.4,1250.5,1.2\nmissing.jpg,,,,,\np001.jpg,,,,,\n"
    (photographs / "list.csv").write_text(HEADER + lines)
    row = run_survey(
        SurveySettings(photos=str(photographs / "list.csv"), bundle=bundle, out=tmp_path / "out", device="cpu")
    )
    assert row is not None
    assert (row["images"], row["failures"]) == (2, 1)
    image = read_table("images", tmp_path / "out").iloc[0]
    assert (image["latitude_deg"], image["chainage_m"], image["gsd_mm_per_px"]) == (52.5, 1250.5, 1.2)
    assert image["taken_at"] == pd.Timestamp("2026-05-31T14:05:09Z")
    assert read_table("failures", tmp_path / "out").iloc[0]["kind"] == "never found"


def test_blank_lines_of_a_spreadsheet_are_passed_over_and_told(tmp_path: Path) -> None:
    told: dict[str, int] = {}
    path = tmp_path / "drive.csv"
    path.write_text("path;lat;lon\n1.jpg;52;13\n;;\n ; ;\n2.jpg;52;13\n;;\n")
    assert [line.number for line in read_lines(str(path), told)] == [2, 5]
    assert told == {"blank lines": 3}


def test_paths_in_quotes_are_those_between_them(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text('"a b.jpg"\nc.jpg\n')
    assert [line.values[Column("path")] for line in read_lines(str(path), {})] == ["a b.jpg", "c.jpg"]


def test_half_a_character_is_a_failure_of_its_line(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text('["0.jpg", "\\ud800.jpg"]')
    (tmp_path / "0.jpg").write_bytes(b"")
    good, bad = photographs_of(tmp_path / "list.json")
    assert (good.name, good.failure) == ("0.jpg", None)
    assert bad.failure is not None
    assert bad.failure.kind == "name not UTF-8"


def test_blanks_that_are_part_of_a_name(tmp_path: Path) -> None:
    (tmp_path / "t.jpg ").write_bytes(b"")
    (tmp_path / "u.jpg").write_bytes(b"")
    (tmp_path / "list.csv").write_text('path\n"t.jpg "\n" u.jpg "\n')
    assert [one.name for one in photographs_of(tmp_path / "list.csv")] == ["t.jpg ", "u.jpg"]


def test_paths_as_bytes(tmp_path: Path) -> None:
    (tmp_path / "0.jpg").write_bytes(b"")
    pd.DataFrame({"path": [b"0.jpg"]}).to_parquet(tmp_path / "list.parquet")
    assert [(one.name, bool(one.stamp)) for one in photographs_of(tmp_path / "list.parquet")] == [("0.jpg", True)]
