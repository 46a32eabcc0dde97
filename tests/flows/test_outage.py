"""A Prefect server that goes away costs no survey: before it begins, in its middle, at its end, for good."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect import get_client
from prefect.events.worker import EventsWorker
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_CLIENT_MAX_RETRIES,
    PREFECT_CLIENT_RETRY_EXTRA_CODES,
    PREFECT_CLIENT_RETRY_JITTER_FACTOR,
    temporary_settings,
)

import flows.survey
from flows.runtime import DEFAULTS
from flows.showing import run_shown
from flows.survey import TooManyFailures, survey, survey_alone
from pipeline.storage.records import read_table
from pipeline.survey.layout import surveys_folder
from pipeline.survey.plan import find_unfinished
from pipeline.survey.settings import SurveySettings
from tests.flows.outage import Gate
from tests.pipeline.survey.conftest import make_bundle, make_photographs
from tests.pipeline.survey.interrupted import settings_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundle") / "tiny")


@pytest.fixture
def settings(tmp_path: Path, bundle: Path) -> SurveySettings:
    return settings_for(make_photographs(tmp_path / "photos", 8), bundle, tmp_path / "out", chunk=1, workers=1)


@pytest.fixture
def gate(prefect_api: str) -> Iterator[Gate]:
    """In front of the tests' server; a call that fails is tried once more, after two seconds."""
    made = Gate(prefect_api)
    few = {
        PREFECT_API_URL: made.url,
        PREFECT_CLIENT_MAX_RETRIES: 1,
        PREFECT_CLIENT_RETRY_EXTRA_CODES: {500},
        PREFECT_CLIENT_RETRY_JITTER_FACTOR: 0,
    }
    with temporary_settings(few):
        yield made
        made.open()
        EventsWorker.drain_all(timeout=600)  # else the end of the tests waits for each event's ten tries


def assert_whole(settings: SurveySettings) -> None:
    assert read_table("runs", settings.target)["images"].tolist() == [8]
    assert read_table("images", settings.target)["name"].is_unique
    assert find_unfinished(settings.target) is None


def in_the_middle(settings: SurveySettings, act: Callable[[], Any]) -> threading.Thread:
    """Do something once the first chunk is done."""

    def watch() -> None:
        while not list(surveys_folder(settings.target).glob("*/chunks/chunk-*")):
            time.sleep(0.002)
        act()

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def at_the_end(monkeypatch: pytest.MonkeyPatch, act: Callable[[], Any]) -> None:
    """Do something when all is recorded, before Prefect is told."""
    finish = flows.survey.finish

    def finished(*given: Any) -> dict[str, Any]:
        row = finish(*given)
        act()
        return row

    monkeypatch.setattr(flows.survey, "finish", finished)


def test_a_call_is_tried_for_more_than_a_minute_whatever_the_status() -> None:
    tries, jitter = int(DEFAULTS["PREFECT_CLIENT_MAX_RETRIES"]), PREFECT_CLIENT_RETRY_JITTER_FACTOR.value()
    assert sum(2**number for number in range(1, tries + 1)) * (1 - jitter) > 60
    assert {"500", "504"} <= set(DEFAULTS["PREFECT_CLIENT_RETRY_EXTRA_CODES"].split(","))


def test_an_outage_in_the_middle_is_not_noticed(gate: Gate, settings: SurveySettings) -> None:
    thread = in_the_middle(settings, gate.shut)
    opener = threading.Thread(target=lambda: (thread.join(), time.sleep(1.5), gate.open()))
    opener.start()
    _, shown = run_shown(survey, survey_alone, settings)
    opener.join()
    assert shown
    assert_whole(settings)


def test_an_outage_over_the_end_is_waited_for(
    gate: Gate, settings: SurveySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shut() -> None:
        gate.shut()
        threading.Timer(1.5, gate.open).start()

    at_the_end(monkeypatch, shut)
    state = survey(settings, return_state=True)
    assert state.is_completed()
    assert gate.refused
    assert_whole(settings)
    with get_client(sync_client=True) as client:
        assert client.read_flow_run(state.state_details.flow_run_id).state_name == "Completed"


@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize("when", ["before", "in the middle", "at the end"])
def test_a_server_that_stays_away_costs_no_photograph(
    gate: Gate,
    settings: SurveySettings,
    when: str,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if when == "before":
        gate.shut(status)
    elif when == "in the middle":
        in_the_middle(settings, lambda: gate.shut(status))
    else:
        at_the_end(monkeypatch, lambda: gate.shut(status))
    with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}):
        row, shown = run_shown(survey, survey_alone, settings)
    assert not shown
    assert row is not None
    assert row["images"] == 8
    assert_whole(settings)


def test_too_many_failures_are_told_although_the_server_is_away(gate: Gate, settings: SurveySettings) -> None:
    (Path(settings.photos) / "bad.jpg").write_text("no picture")
    in_the_middle(settings, gate.shut)
    with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}), pytest.raises(TooManyFailures):
        run_shown(survey, survey_alone, settings.model_copy(update={"max_failures": 0}))
    assert_whole(settings)


@pytest.mark.parametrize("gone", [False, True], ids=["500", "refused"])
def test_the_command_says_that_it_was_not_shown(gate: Gate, settings: SurveySettings, gone: bool) -> None:
    (gate.close if gone else gate.shut)()
    command = ["survey", settings.photos, "--bundle", str(settings.bundle), "--out", str(settings.target), "--json"]
    done = subprocess.run(
        [sys.executable, "-c", "from flows.cli import main; main()", *command, "--device", "cpu"],
        env=os.environ | {"PREFECT_API_URL": gate.url, "PREFECT_CLIENT_MAX_RETRIES": "0"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 3, done.stderr
    assert json.loads(done.stdout)["images"] == 8
    assert "Prefect's server was away" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) < 25, done.stderr
    assert_whole(settings)
