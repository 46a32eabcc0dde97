"""What stands in an output already: a damaged record is told of, that of another place is not added to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from models.errors import DataError, UsageError
from pipeline.survey.settings import SurveySettings
from tests.pipeline.survey.one_process import run_survey


@pytest.mark.parametrize("table", ["images", "failures"])
def test_a_damaged_part_of_the_record_is_named(tmp_path: Path, bundle: Path, photographs: Path, table: str) -> None:
    (photographs / "bad.jpg").write_text("no picture")
    settings = SurveySettings(photos=str(photographs), bundle=bundle, out=tmp_path / "out", device="cpu")
    row = run_survey(settings)
    assert row is not None
    part = settings.target / "records" / table / f"run_id={row['run_id']}" / "part-00000.parquet"
    os.truncate(part, 100)
    with pytest.raises(DataError, match=r"part-00000\.parquet") as told:
        run_survey(settings)
    assert "Move that part away" in told.value.remedy
    part.rename(settings.target / "away.parquet")
    assert run_survey(settings) is not None


def test_two_places_of_one_name_are_not_mixed(
    tmp_path: Path, bundle: Path, photographs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRACK_SURVEY_HOME", str(tmp_path / "home"))
    other = tmp_path / "other" / "photographs"
    other.mkdir(parents=True)
    (other / "p000.jpg").write_bytes((photographs / "p000.jpg").read_bytes())
    here = SurveySettings(photos=str(photographs), bundle=bundle, device="cpu")
    there = here.model_copy(update={"photos": str(other)})
    assert run_survey(here) is not None
    with pytest.raises(UsageError, match="holds a survey of") as told:
        run_survey(there)
    assert "--out" in told.value.remedy
    assert run_survey(here) is None
    assert run_survey(there.model_copy(update={"out": tmp_path / "out"})) is not None


def test_a_link_is_one_place_wherever_it_points(
    tmp_path: Path, bundle: Path, photographs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRACK_SURVEY_HOME", str(tmp_path / "home"))
    second, tonight = tmp_path / "second night", tmp_path / "tonight"
    second.mkdir()
    (second / "new.jpg").write_bytes((photographs / "p001.jpg").read_bytes())
    tonight.symlink_to(photographs)
    settings = SurveySettings(photos=str(tonight), bundle=bundle, device="cpu")
    assert run_survey(settings) is not None
    tonight.unlink()
    tonight.symlink_to(second)
    row = run_survey(settings)
    assert row is not None
    assert row["photographs"] == 1
