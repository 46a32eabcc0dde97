"""Parameters of deployments: they are kept in Prefect's database and shown in its pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.deployments import check_parameters, plan
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
