"""What the record knows: of lists that name a photograph more than once, and after the clock was set back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.storage.records import read_table
from pipeline.survey import plan
from pipeline.survey.settings import SurveySettings
from tests.pipeline.survey.one_process import run_survey


def test_a_line_that_names_a_photograph_again_is_known_beside_it(
    tmp_path: Path, bundle: Path, photographs: Path
) -> None:
    manifest = photographs / "list.csv"
    manifest.write_text("path,chainage\np000.jpg,1\np001.jpg,2\np000.jpg,1\np000.jpg,3\n")
    settings = SurveySettings(photos=str(manifest), bundle=bundle, out=tmp_path / "out", device="cpu")
    row = run_survey(settings)
    assert row is not None
    assert (row["photographs"], row["failures"]) == (4, 2)
    assert run_survey(settings) is None
    manifest.write_text("path,chainage\np000.jpg,5\np001.jpg,2\np000.jpg,1\n")
    row = run_survey(settings)
    assert row is not None
    assert read_table("images", settings.target, row["run_id"])["name"].tolist() == ["p000.jpg"]
    assert run_survey(settings) is None


def test_a_clock_that_was_set_back_keeps_no_photograph_changed_for_ever(
    tmp_path: Path, bundle: Path, photographs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime(2026, 5, 31, hour, tzinfo=UTC)

    monkeypatch.setattr(plan, "datetime", Clock)
    settings = SurveySettings(photos=str(photographs), bundle=bundle, out=tmp_path / "out", device="cpu")
    hour = 12
    assert run_survey(settings) is not None
    hour = 11
    (photographs / "p003.jpg").write_bytes((photographs / "p004.jpg").read_bytes())
    row = run_survey(settings)
    assert row is not None
    assert row["photographs"] == 1
    assert run_survey(settings) is None


def test_a_folder_called_like_a_photograph_is_told_of_once(tmp_path: Path, bundle: Path, photographs: Path) -> None:
    (photographs / "p003.jpg").unlink()
    (photographs / "p003.jpg").mkdir()
    settings = SurveySettings(photos=str(photographs), bundle=bundle, out=tmp_path / "out", device="cpu")
    row = run_survey(settings)
    assert row is not None
    assert row["failures"] == 1
    assert run_survey(settings) is None
    (photographs / "p003.jpg").rmdir()
    (photographs / "p003.jpg").write_bytes((photographs / "p004.jpg").read_bytes())
    row = run_survey(settings)
    assert row is not None
    assert row["images"] == 1
