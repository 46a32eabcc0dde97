"""SIGTERM in the middle of a survey, as a shutdown or a scheduler sends it: what is done stays, the rest goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.storage.records import read_table
from pipeline.survey.layout import surveys_folder
from pipeline.survey.plan import find_unfinished
from tests.flows.test_cli import crack_survey
from tests.pipeline.survey.conftest import make_bundle, make_photographs

PHOTOGRAPHS = 20


def done(out: Path) -> int:
    """Chunks of a survey on its way that are done."""
    return len(list(surveys_folder(out).glob("*/chunks/chunk-*.parquet")))


@pytest.mark.slow
def test_a_survey_that_is_told_to_end_goes_on_where_it_was(prefect_api: str, home: Path, tmp_path: Path) -> None:
    photographs = make_photographs(tmp_path / "photographs", PHOTOGRAPHS)
    bundle, out = make_bundle(tmp_path / "bundle"), tmp_path / "out"
    command = ["survey", photographs, "--bundle", bundle, "--out", out, "--chunk", 1, "--workers", 1, "--device", "cpu"]
    words = [sys.executable, "-c", "from flows.cli import main; main()", *map(str, command)]
    environment = os.environ | {"PREFECT_API_URL": prefect_api}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, env=environment)
        while done(out) < 2 and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait(600) == -signal.SIGTERM, (tmp_path / "log").read_text()
    assert "Run the same command again" in (tmp_path / "log").read_text()
    before = done(out)
    assert 2 <= before < PHOTOGRAPHS, (tmp_path / "log").read_text()
    assert read_table("runs", out).empty
    again = crack_survey(*command)
    assert again.exit_code == 0, again.output
    images = read_table("images", out)["name"]
    assert sorted(images) == sorted(path.name for path in photographs.iterdir())
    assert read_table("runs", out)["images"].tolist() == [PHOTOGRAPHS]
    assert find_unfinished(out) is None
