from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app
from tests.pipeline.survey.conftest import make_bundle, make_photographs
from tests.pipeline.survey.interrupted import settings_for
from tests.pipeline.survey.one_process import run_survey


def run(*given: object) -> list[str]:
    result = CliRunner().invoke(app, ["labels", *map(str, given)])
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def test_what_is_told_leads_from_a_survey_to_a_data_set(tmp_path: Path) -> None:
    photos = make_photographs(tmp_path / "photos", 3)
    run_survey(settings_for(photos, make_bundle(tmp_path / "bundle"), tmp_path / "out", masks="all"))
    told = run("export", tmp_path / "out", tmp_path / "corrected", "--count", 2)
    assert told[0].startswith("2 photographs with ")
    annotations = told[2].removeprefix("Annotations, COCO 1.0: ")
    assert told[3].endswith(f"crack-survey labels import EXPORTED.json {tmp_path / 'corrected'}")
    told = run("import", annotations, tmp_path / "corrected")
    assert told[0].startswith("2 masks, 2 of them with crack")
    assert told[2].endswith(f"--dataset folder --root {tmp_path / 'corrected'}")
    assert len(list((tmp_path / "corrected" / "masks").iterdir())) == 2


@pytest.mark.parametrize("command", ["export", "import"])
def test_help_says_what_comes_next(command: str) -> None:
    told = CliRunner().invoke(app, ["labels", command, "--help"]).stdout
    assert "For example" in told
    assert "COCO" in told
