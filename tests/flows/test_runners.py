"""What runs a survey's chunks, and what would do nothing beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.runners import make_runner
from flows.survey import survey_alone
from models.errors import UsageError
from pipeline.survey.settings import SurveySettings

CLUSTER = "tcp://scheduler:8786"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"address": CLUSTER}, [CLUSTER, "threads", "--runner dask"]),
        ({"address": CLUSTER, "runner": "dask", "workers": 4}, [CLUSTER, "--workers 4"]),
    ],
)
def test_what_does_nothing_is_refused(tmp_path: Path, given: dict[str, Any], words: list[str]) -> None:
    settings = SurveySettings(photos=str(tmp_path), out=tmp_path / "out", **given)
    options = [word for name, value in given.items() for word in (f"--{name}", str(value))]
    command = CliRunner().invoke(app, ["survey", str(tmp_path), "--out", str(tmp_path / "out"), *options])
    assert command.exit_code == 2
    told = [command.stderr]
    for begin in (lambda: make_runner(settings, "cpu"), lambda: survey_alone(settings)):
        with pytest.raises(UsageError) as error:
            begin()
        told.append(str(error.value))
    assert all(word in text for word in words for text in told)
    assert not (tmp_path / "out").exists()
