"""The file of schedules: what it may say, and how each mistake in it is told."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

import pytest
import yaml
from prefect.events.schemas.automations import AutomationCore
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.deployments import BY_HAND, FLOWS, check_parameters, plan
from flows.events import EVENT, limit_labels
from flows.runtime import DEFAULTS
from flows.schedules import EXAMPLE, Entry, read_schedules
from models.errors import UsageError
from pipeline.settings import LimitSettings, make_settings
from pipeline.survey.settings import SurveySettings
from tests.flows.schedule_files import SURVEY, entry, write
from tests.flows.test_cli import assert_told, crack_survey

ROOT = Path(__file__).resolve().parents[2]


def test_the_example_that_ships_is_right() -> None:
    entries = read_schedules(ROOT / EXAMPLE)
    assert {one.flow for one in entries} == set(FLOWS)
    planned = {deployment.name: deployment for deployment in plan(ROOT / EXAMPLE)}
    assert set(planned) == {one.name for one in [*entries, *BY_HAND]}
    assert planned["nightly"].parameters["settings"]["photos"] == "photographs"
    assert planned["nightly"].entrypoint == "flows.survey.survey"
    assert planned["monthly"].paused
    assert planned["monthly"].parameters["settings"]["detector"]["backbone"]


def test_the_deployments_for_a_work_pool_are_right() -> None:
    flows = {f"{flow.fn.__module__}.{flow.fn.__name__}": name for name, flow in FLOWS.items()}
    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    assert {flows[one["entrypoint"]] for one in deployments} == set(FLOWS)
    for one in deployments:
        given = {"flow": flows[one["entrypoint"]], "name": one["name"], "parameters": one.get("parameters", {})}
        for schedule in one.get("schedules", []):
            entry = Entry.model_validate(given | schedule)
            check_parameters(entry.flow, entry.parameters, whole=True)


def test_the_automations_match_labels_that_there_are() -> None:
    labels = {
        "prefect.resource.id",
        "crack-survey.failures",
        "crack-survey.unfamiliar",
        *limit_labels({}, LimitSettings()),
    }
    text = (ROOT / "docs" / "automations.yaml").read_text().replace("BLOCK", str(uuid4()))
    for one in yaml.safe_load(text)["automations"]:
        automation = AutomationCore.model_validate(one)
        ours = {event for event in automation.trigger.expect if event.startswith("crack-survey")}
        assert ours <= {EVENT}
        assert ours or all(event.startswith("prefect.flow-run.") for event in automation.trigger.expect)
        assert set(one["trigger"]["match"]) <= labels


def test_a_run_is_dead_after_three_heartbeats_that_did_not_come() -> None:
    automations = yaml.safe_load((ROOT / "docs" / "automations.yaml").read_text())["automations"]
    (within,) = [one["trigger"]["within"] for one in automations if one["trigger"]["posture"] == "Proactive"]
    assert within >= 3 * int(DEFAULTS["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"])
    definitions = yaml.safe_load((ROOT / "prefect.yaml").read_text())["definitions"]
    given = definitions["pool"]["job_variables"]["env"]
    assert given.items() <= DEFAULTS.items()


def test_every_flow_can_be_started_by_hand_without_a_file() -> None:
    planned = plan(None)
    assert {deployment.flow_name for deployment in planned} == set(FLOWS)
    assert not any(deployment.schedules for deployment in planned)


def test_two_deployments_of_one_flow_and_one_that_takes_the_place_of_ours(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        f"deployments:\n{SURVEY}, interval: 6h}}\n"
        "  - {flow: survey, name: A8, parameters: {settings: {photos: q, bundle: b}}, rrule: FREQ=DAILY}\n"
        "  - {flow: experiment, name: paper, cron: 0 1 1 * *}\n",
    )
    planned = [f"{one.flow_name}/{one.name}" for one in plan(path)]
    assert sorted(planned) == sorted(
        ["survey/A7", "survey/A8", "experiment/paper", "experiment/fast", "evaluate/by-hand", "survey/by-hand"]
    )


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("chron: 0 1 * * *", ["entry 1 (survey/A7), chron", "no such setting; the nearest is cron"]),
        ("cron: 61 * * * *", ["entry 1 (survey/A7)", "61 * * * *"]),
        ("interval: 6 hours", ["entry 1 (survey/A7), interval", "30m", "'6 hours'"]),
        ("rrule: every day", ["entry 1 (survey/A7)", "every day"]),
        ("cron: 0 1 * * *, interval: 6h", ["entry 1 (survey/A7)", "one of cron, interval and rrule"]),
        ("cron: 0 1 * * *, timezone: Europe/Atlantis", ["timezone", "Europe/Lisbon", "'Europe/Atlantis'"]),
        ("timezone: ../../etc/passwd", ["timezone", "no such time zone"]),
        ("paused: perhaps", ["paused", "'perhaps'"]),
        ("cron: 0 0 30 2 *", ["entry 1 (survey/A7)", "0 0 30 2 *", "never runs"]),
        ("cron: 5", ["cron", "string"]),
        ("interval: 22:30", ["entry 1 (survey/A7), interval", "minutes", "ISO 8601", "'22:30'"]),
        ("interval: 22:30:00", ["interval", "'22:30:00'"]),
        ("interval: 1350", ["interval", "ISO 8601"]),
        ("cron: 2026-99-99", ["entry 1 (survey/A7)", "2026-99-99"]),
        (f"cron: '{'9' * 6000}'", ["entry 1 (survey/A7)", "five parts"]),
        (f"interval: {'9' * 6000}", ["digits"]),
        ("cron: '* * * * * *'", ["entry 1 (survey/A7)", "each second"]),
        ("cron: 0 1 * * *, cron: 0 2 * * *", ["cron", "twice"]),
        ("rrule: FREQ=SECONDLY", ["entry 1 (survey/A7)", "each second"]),
        ("rrule: freq=secondly;interval=90", ["each second"]),
        ("rrule: 'FREQ=DAILY;BYSECOND=0,1,2'", ["each second"]),
        ("rrule: FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", ["never runs"]),
        ("rrule: FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30", ["never runs"]),
        ("rrule: 'FREQ=DAILY;UNTIL=20200101T000000Z'", ["never runs"]),
        ("rrule: FREQ=DAILY;COUNT=3", ["COUNT", "write UNTIL"]),
        ("rrule: FREQ=DAILY;INTERVAL=0", ["INTERVAL is 1 or more"]),
        ("rrule: FREQ=YEARLY;INTERVAL=9999", ["never runs"]),
        ("rrule: FREQ=YEARLY;INTERVAL=20", ["never runs"]),
        ("rrule: FREQ=HOURLY;BYMINUTE=0;BYSETPOS=3", ["never runs"]),
        ("rrule: FREQ=YEARLY;BYEASTER=400", ["entry 1 (survey/A7)", "rule"]),
        ("rrule: FREQ=DAILY;BYHOUR=99", ["entry 1 (survey/A7)", "rule"]),
        ("interval: 999999999d", ["ten years at most"]),
    ],
)
def test_an_entry_that_does_not_fit(tmp_path: Path, more: str, words: list[str]) -> None:
    path = entry(tmp_path, more)
    with pytest.raises(UsageError) as told:
        read_schedules(path)
    for word in (str(path), *words):
        assert word in told.value.problem
    assert len(told.value.problem) < 1500
    assert EXAMPLE in told.value.remedy


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["deployments:"]),
        ("- {flow: survey}", ["deployments:"]),
        ("deployments: 5", ["deployments", "list"]),
        ("deployments: []\nschedules: []", ["schedules", "no such setting; there are deployments"]),
        ("deployments:\n  - {flow: mapping, name: a}", ["entry 1 (mapping/a), flow", "'survey'"]),
        ("deployments:\n  - survey", ["entry 1"]),
        ("deployments:\n  - {flow: survey}", ["entry 1", "name", "required"]),
        ("deployments:\n  - {flow: survey, name: a/b}", ["entry 1", "name"]),
        ("deployments:\n  - {flow: survey, name: a}\n  - {flow: survey, name: a}", ["1 and 2", "survey/a"]),
        ("deployments:\n  - flow: survey\n    cron: * * * * *", ["line 3"]),
        ("a: !!python/object/apply:os.system ['true']", ["python/object/apply"]),
    ],
)
def test_a_file_that_does_not_fit(tmp_path: Path, text: str, words: list[str]) -> None:
    path = write(tmp_path, text)
    with pytest.raises(UsageError) as told:
        read_schedules(path)
    for word in (str(path), *words):
        assert word in told.value.problem


def test_a_file_that_unfolds_without_end_is_refused(tmp_path: Path) -> None:
    names = "abcdefghij"
    lines = [
        f"{name}: &{name} [{', '.join([f'*{names[at - 1]}'] * 9) if at else 'x'}]" for at, name in enumerate(names)
    ]
    with pytest.raises(UsageError, match="values"):
        read_schedules(write(tmp_path, "\n".join(lines)))
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(UsageError, match="pipe"):
        read_schedules(tmp_path / "pipe.yaml")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_schedules(tmp_path / "gone.yaml")
    (tmp_path / "latin.yaml").write_bytes("# Straße".encode("latin-1"))
    with pytest.raises(UsageError, match="cannot be read"):
        read_schedules(tmp_path / "latin.yaml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "{flow: survey, name: a, parameters: {settings: {photos: p, bundle: b, chunks: 3}}}",
            ["entry 1 (survey/a), settings.chunks", "no such setting; the nearest is chunk"],
        ),
        ("{flow: survey, name: a, cron: 0 1 * * *}", ["entry 1 (survey/a), settings", "required"]),
        ("{flow: survey, name: a, parameters: {photos: p}}", ["photos", "no such setting; there are settings"]),
        ("{flow: evaluate, name: a, parameters: {bundle: b, dataset: {name: roads}}}", ["dataset.name", "'folder'"]),
        ("{flow: evaluate, name: a, parameters: {bundle: b, limits: {precision: 95}}}", ["limits.precision"]),
        ("{flow: experiment, name: a, parameters: {settings: {preset: quick}}}", ["entry 1 (experiment/a)", "'quick'"]),
        ("{flow: experiment, name: a, parameters: {settings: {sed: 5}}}", ["entry 1 (experiment/a)", "sed"]),
        ("{flow: experiment, name: a, parameters: {settings: 5}}", ["entry 1 (experiment/a)", "settings"]),
    ],
)
def test_parameters_that_do_not_fit(tmp_path: Path, text: str, words: list[str]) -> None:
    path = write(tmp_path, f"deployments:\n  - {text}\n")
    with pytest.raises(UsageError) as told:
        plan(path)
    for word in (str(path), *words):
        assert word in told.value.problem


def test_a_preset_brings_its_values() -> None:
    found = check_parameters("experiment", {"settings": {"preset": "paper", "seed": 5}}, whole=True)
    assert found == {"settings": make_settings("paper", {"seed": 5}).model_dump(mode="json")}


def test_only_what_is_given_is_set() -> None:
    given = {"settings": {"photos": "p", "bundle": "b"}}
    assert check_parameters("survey", given, whole=True) == given
    SurveySettings.model_validate(given["settings"])


def test_serve_tells_of_a_wrong_file_and_of_a_server_that_is_away(tmp_path: Path) -> None:
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        wrong = crack_survey("serve", "--schedules", entry(tmp_path, "chron: 1"))
        assert_told(wrong, 2, "schedules.yaml", "entry 1 (survey/A7), chron", EXAMPLE)
        away = crack_survey("serve", "--schedules", entry(tmp_path, "cron: 0 1 * * *"))
        assert_told(away, 1, "No Prefect server answers", "prefect server start")


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=WEEKLY;BYDAY=SU;BYHOUR=6;BYMINUTE=0;BYSECOND=0",
        "RRULE:FREQ=MONTHLY;BYDAY=1MO",
        "FREQ=MINUTELY;INTERVAL=30",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
        "FREQ=DAILY;UNTIL=20991231T000000Z",
        "FREQ=HOURLY;BYDAY=SA,SU;INTERVAL=2",
    ],
)
def test_rules_that_run(tmp_path: Path, rule: str) -> None:
    (found,) = read_schedules(entry(tmp_path, f"rrule: '{rule}'"))
    assert found.rrule == rule
