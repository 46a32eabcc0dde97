"""Parameters of deployments, which are kept in Prefect's database and shown in its pages; how long they are served."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows import deployments
from flows.deployments import check_parameters, plan, serve_all
from flows.schedules import FlowName
from models.errors import UsageError

SECRET = "s3://KEY:hunter2@roads/A7"


@pytest.mark.parametrize(
    ("flow", "given", "place"),
    [
        ("survey", {"settings": {"photos": SECRET, "bundle": "b"}}, "settings.photos"),
        ("survey", {"settings": {"photos": "p", "bundle": SECRET}}, "settings.bundle"),
        ("evaluate", {"bundle": "b", "dataset": {"name": "folder", "root": SECRET}}, "dataset.root"),
        ("experiment", {"settings": {"dataset": {"name": "folder", "root": SECRET}}}, "settings.dataset.root"),
        ("experiment", {"settings": {"preset": SECRET}}, "settings.preset"),
    ],
)
def test_a_secret_in_any_parameter_is_refused_and_not_repeated(
    flow: FlowName, given: dict[str, Any], place: str
) -> None:
    with pytest.raises(UsageError) as told:
        check_parameters(flow, given, whole=True)
    assert place in told.value.problem
    assert "hunter2" not in f"{told.value.problem}{told.value.remedy}"
    assert "environment" in told.value.remedy


def test_a_file_with_a_secret_is_told_by_its_entry(tmp_path: Path) -> None:
    path = tmp_path / "schedules.yaml"
    path.write_text(f"deployments:\n  - {{flow: evaluate, name: a, parameters: {{bundle: '{SECRET}'}}}}\n")
    with pytest.raises(UsageError) as told:
        plan(path)
    assert "entry 1 (evaluate/a), bundle carries a password, key or signature" in told.value.problem
    assert "hunter2" not in told.value.problem


def test_what_does_nothing_is_refused_when_it_is_served_already() -> None:
    given = {"settings": {"photos": "p", "address": "tcp://scheduler:8786"}}
    with pytest.raises(UsageError, match="--address tcp://scheduler:8786"):
        check_parameters("survey", given, whole=True)


def test_a_server_that_was_away_for_long_is_served_again(monkeypatch: pytest.MonkeyPatch) -> None:
    gave_up = ExceptionGroup("", [ExceptionGroup("", [RuntimeError("Service exceeded error threshold.")])])
    answers = iter([None, httpx.ConnectError("refused"), UsageError("a proxy's page is no Prefect API", ""), None])
    ends = iter([gave_up, None])

    def one_of(answers: Iterator[Exception | None]) -> Callable[..., None]:
        def call(*_: object, **__: object) -> None:
            if (error := next(answers)) is not None:
                raise error

        return call

    monkeypatch.setattr(deployments, "check_server", one_of(answers))
    monkeypatch.setattr(deployments, "serve", one_of(ends))
    monkeypatch.setattr(deployments, "pause", lambda _: None)
    monkeypatch.setattr(deployments, "ASK_EVERY_S", 0.0)
    serve_all(None, 1)
    assert [*answers, *ends] == []


def test_a_bug_ends_the_serving(monkeypatch: pytest.MonkeyPatch) -> None:
    paused: list[object] = []

    def wrong(*_: object, **__: object) -> None:
        raise ExceptionGroup("", [RuntimeError("Service exceeded error threshold."), ZeroDivisionError("a bug")])

    monkeypatch.setattr(deployments, "check_server", lambda: None)
    monkeypatch.setattr(deployments, "serve", wrong)
    monkeypatch.setattr(deployments, "pause", paused.append)
    with pytest.raises(ExceptionGroup):
        serve_all(None, 1)
    assert paused
