"""Names that look like something else, or that no table can hold."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from models.errors import UsageError
from pipeline.storage.records import read_table
from pipeline.survey.listing.sources import open_source
from pipeline.survey.process import read_picture
from pipeline.survey.settings import SurveySettings
from tests.pipeline.survey.conftest import make_photographs
from tests.pipeline.survey.listing.test_sources import names
from tests.pipeline.survey.one_process import run_survey


def test_colons_in_names_are_no_address(tmp_path: Path) -> None:
    root = tmp_path / "A7::north" / "photos"
    root.mkdir(parents=True)
    (root / "km 1::2.jpg").write_bytes(b"")
    assert names(root) == names(root / "*.jpg") == ["km 1::2.jpg"]
    found = open_source(SurveySettings(photos=str(root), bundle=Path("unused")))
    assert found.store.stamp("km 1::2.jpg")
    assert found.store.read("km 1::2.jpg", 10) == b""


def test_a_link_to_a_name_that_is_not_utf8_fails_alone(tmp_path: Path, bundle: Path) -> None:
    root = make_photographs(tmp_path / "photos", 1)
    (root / "gone.jpg").symlink_to(os.fsdecode(b"caf\xe9.jpg"))
    there = Path(os.fsdecode(os.fsencode(tmp_path) + b"/ext\xe9"))
    there.mkdir()
    (there / "p000.jpg").write_bytes((root / "p000.jpg").read_bytes())
    (root / "outside.jpg").symlink_to(there / "p000.jpg")
    (root / "folder").symlink_to(there)
    row = run_survey(SurveySettings(photos=str(root), bundle=bundle, out=tmp_path / "out", device="cpu"))
    assert row is not None
    failures = read_table("failures", tmp_path / "out").set_index("name")
    assert failures["kind"].to_dict() == {"folder": "outside", "gone.jpg": "dangling link", "outside.jpg": "outside"}
    assert "caf\\xe9.jpg" in failures["message"]["gone.jpg"]
    assert len(read_table("images", tmp_path / "out")) == 1


def test_a_path_of_thousands_of_folders_fails_alone(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("a/" * 2000 + "1.jpg\n")
    source = open_source(SurveySettings(photos=str(tmp_path / "list.txt"), bundle=Path("unused")))
    (listed,) = source.photographs()
    failure = read_picture(listed, source.store, 10).failure
    assert failure is not None
    assert failure.kind in ("bad name", "never found")


def test_a_root_or_an_output_that_is_not_utf8_is_refused(tmp_path: Path, bundle: Path, photographs: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/ext\xe9"))
    odd.mkdir()
    for photos, out in ((odd, tmp_path / "out"), (photographs, odd)):
        with pytest.raises(UsageError, match="is not UTF-8"):
            run_survey(SurveySettings(photos=str(photos), bundle=bundle, out=out, device="cpu"))
