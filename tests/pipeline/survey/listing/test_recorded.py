"""What the record knows of lists that name a photograph more than once."""

from __future__ import annotations

from pathlib import Path

from pipeline.storage.records import read_table
from pipeline.survey.batch import run_survey
from pipeline.survey.settings import SurveySettings


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
