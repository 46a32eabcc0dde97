"""The survey as a flow and as a command, on photographs of 48 px."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from prefect import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.client.schemas.objects import State
from typer.testing import CliRunner

from flows import runners, survey_artifacts
from flows.cli import app
from flows.runners import GpuTurns, ensure_gpu_limit, make_runner
from flows.survey import TooManyFailures, survey
from models.errors import DataError, UsageError
from pipeline.storage.records import read_table
from pipeline.survey.layout import surveys_folder
from pipeline.survey.lock import hold
from pipeline.survey.settings import SurveySettings
from tests.flows.photographs import settings_of_twelve
from tests.pipeline.survey.conftest import make_bundle
from tests.pipeline.survey.one_process import run_survey
from tests.pipeline.survey.test_kills import assert_same_record, final_tables

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundle") / "tiny")


@pytest.fixture
def settings(tmp_path: Path, bundle: Path) -> SurveySettings:
    return settings_of_twelve(tmp_path, bundle)


@pytest.fixture
def emitted(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Events, instead of sending them."""
    events: list[dict[str, Any]] = []
    monkeypatch.setattr(survey_artifacts, "emit_event", lambda event, **more: events.append({"event": event, **more}))
    return events


def artifacts_of(state: State[Any]) -> dict[str, Any]:
    """By key, of the flow run itself; progress belongs to the flow of the chunks."""
    with get_client(sync_client=True) as client:
        chosen = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[state.state_details.flow_run_id]))
        return {artifact.key: artifact for artifact in client.read_artifacts(artifact_filter=chosen)}


def test_a_survey_as_a_flow(
    prefect_api: str, settings: SurveySettings, tmp_path: Path, emitted: list[dict[str, Any]]
) -> None:
    state = survey(settings, return_state=True)
    row = state.result()
    assert (row["photographs"], row["images"], row["failures"]) == (12, 11, 1)
    plain = settings.model_copy(update={"out": tmp_path / "plain"})
    run_survey(plain)
    assert_same_record(settings.target, final_tables(plain.target))

    with get_client(sync_client=True) as client:
        run = client.read_flow_run(state.state_details.flow_run_id)
    assert run.name.startswith("survey A7-north 2")
    assert {"survey", "A7-north"} <= set(run.tags)

    artifacts = artifacts_of(state)
    figures = {line["figure"]: line["value"] for line in json.loads(str(artifacts["survey"].data))}
    assert figures["photographs"] == "12"
    assert figures["failed"] == "1: 1 not a picture"
    page = str(artifacts["survey-worst"].data)
    pictures = [line for line in page.splitlines() if "data:image" in line]
    assert all(line.startswith("![") for line in pictures), "beside a long name they would be cut off"
    assert "data:image/jpeg;base64," in page
    assert len(page.encode()) < 100_000
    assert "<script" not in page
    assert "[x](javascript" not in page

    (event,) = emitted
    assert event["event"] == "crack-survey.run.completed"
    assert event["resource"]["crack-survey.failures"] == "some"
    assert event["payload"]["photographs"] == 12
    json.dumps(event)


def test_only_new_and_changed_photographs_are_done_again(prefect_api: str, settings: SurveySettings) -> None:
    assert survey(settings) is not None
    assert survey(settings) is None
    photos = Path(settings.photos)
    (photos / "p001.jpg").write_bytes((photos / "p002.jpg").read_bytes())
    row = survey(settings)
    assert row is not None
    assert (row["photographs"], row["failures"]) == (1, 0)


def test_too_many_failures_fail_the_run_after_it_is_recorded(
    prefect_api: str, settings: SurveySettings, emitted: list[dict[str, Any]]
) -> None:
    limited = settings.model_copy(update={"max_failures": 0})
    state = survey(limited, return_state=True)
    assert state.is_failed()
    with pytest.raises(TooManyFailures, match=r"1 of 12 photographs failed, more than the 0 of --max-failures"):
        state.result()
    assert len(read_table("runs", settings.target)) == 1
    assert emitted[0]["resource"]["crack-survey.failures"] == "over limit"


def test_a_second_survey_is_refused(prefect_api: str, settings: SurveySettings) -> None:
    with (
        hold(surveys_folder(settings.target)),
        pytest.raises(DataError, match=rf"already writing to .*process {os.getpid()} on "),
    ):
        survey(settings)


def test_a_failed_chunk_fails_the_flow_and_the_next_try_goes_on(
    prefect_api: str, settings: SurveySettings, tmp_path: Path
) -> None:
    first = survey(settings.model_copy(update={"out": tmp_path / "whole"}))
    bundle = settings.bundle.rename(tmp_path / "bundle")
    own = settings.model_copy(update={"bundle": bundle})
    photos = Path(settings.photos)

    def unmount() -> None:
        while not list(surveys_folder(settings.target).glob("*/chunks/chunk-*")):
            time.sleep(0.005)
        photos.rename(tmp_path / "away")

    thread = threading.Thread(target=unmount)
    thread.start()
    with pytest.raises(DataError, match="has gone"):
        survey(own.model_copy(update={"workers": 1, "chunk": 1}))
    thread.join()
    (tmp_path / "away").rename(photos)
    survey(own)
    bundle.rename(settings.bundle)
    assert first is not None
    assert_same_record(settings.target, {"images": final_tables(tmp_path / "whole")["images"]})


def test_the_command(prefect_api: str, settings: SurveySettings) -> None:
    arguments = ["survey", settings.photos, "--bundle", str(settings.bundle), "--out", str(settings.out)]
    result = CliRunner().invoke(app, [*arguments, "--json", "--max-failures", "0", "--workers", "1"])
    assert result.exit_code == 1
    row = json.loads(result.stdout)
    assert row["photographs"] == 12
    assert "A7-north" in Path(row["report"]).read_text()
    assert "1 of 12 photographs failed" in result.stderr
    again = CliRunner().invoke(app, arguments)
    assert (again.exit_code, again.stdout) == (0, "Nothing new.\n")
    plain = CliRunner().invoke(app, [*arguments, "--all", "--workers", "1"])
    report = re.search(r"^Report: (.+)$", plain.stdout, re.MULTILINE)
    assert report is not None
    assert Path(report[1]).is_file()


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["nowhere", "--bundle", "BUNDLE"], 1, ["nowhere", "does not exist"]),
        (["PHOTOS", "--bundle", "nowhere"], 1, ["nowhere"]),
        (["PHOTOS", "--bundle", "BUNDLE", "--runner", "slurm"], 2, ["--runner", "threads"]),
        (["PHOTOS", "--bundle", "BUNDLE", "--chunk", "0"], 2, ["--chunk"]),
        (["s4://bucket", "--bundle", "BUNDLE"], 2, ["s4://bucket"]),
        (["BUNDLE", "--bundle", "BUNDLE"], 1, ["holds no photograph"]),
    ],
)
def test_wrong_usage(
    prefect_api: str, settings: SurveySettings, arguments: list[str], status: int, words: list[str]
) -> None:
    stand_in = {"PHOTOS": settings.photos, "BUNDLE": str(settings.bundle)}
    given = [stand_in.get(argument, argument) for argument in arguments]
    result = CliRunner().invoke(app, ["survey", *given, "--out", str(settings.out)])
    assert result.exit_code == status, result.output
    assert result.stderr.splitlines()[-2].startswith("Error: ")
    for word in words:
        assert word in result.stderr


def test_one_at_a_time_holds_the_gpu(prefect_api: str) -> None:
    ensure_gpu_limit()
    ensure_gpu_limit()
    holding, most = 0, 0
    guard = threading.Lock()

    def chunk() -> None:
        nonlocal holding, most
        with GpuTurns("cuda")():
            with guard:
                holding += 1
                most = max(most, holding)
            time.sleep(0.2)
            with guard:
                holding -= 1

    threads = [threading.Thread(target=chunk) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(600)
    assert most == 1


def test_a_server_that_is_away_is_asked_for_a_turn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def away(name: str, **_: object) -> None:
        asked.append(name)
        raise ConnectionError(name)

    monkeypatch.setattr(runners, "concurrency", away)
    monkeypatch.setattr(runners, "in_a_run", lambda: True)
    turns = GpuTurns("cuda")
    for _ in range(3):
        with turns():
            assert runners._this_process.locked()
    assert not runners._this_process.locked()
    assert asked == ["gpu"]


def test_a_runner_that_is_not_installed_is_named(settings: SurveySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    for runner in ("dask", "ray"):
        monkeypatch.setitem(__import__("sys").modules, f"prefect_{runner}.task_runners", None)
        with pytest.raises(UsageError, match=runner) as told:
            make_runner(settings.model_copy(update={"runner": runner}), "cpu")
        assert f"crack-survey[{runner}]" in told.value.remedy
