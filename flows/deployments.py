"""Every flow as Prefect deployments, with the schedules of a user's file, served from one process."""

from __future__ import annotations

import inspect
import time
from pathlib import Path
from typing import Any, get_type_hints

from prefect import Flow, get_client, serve
from prefect.deployments.runner import RunnerDeployment
from prefect.types.entrypoint import EntrypointType
from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from flows.artifacts import without_server_errors
from flows.evaluate import evaluate_bundle
from flows.experiment import experiment
from flows.mistakes import server_is_away
from flows.runtime import console
from flows.schedules import Entry, FlowName, read_schedules, told
from flows.survey import survey
from models.errors import UsageError
from models.misspelt import plainly
from pipeline.settings import make_settings
from pipeline.survey.listing.credentials import REMEDY, find_credentials
from pipeline.survey.settings import SurveySettings

FLOWS: dict[FlowName, Flow[..., Any]] = {"experiment": experiment, "evaluate": evaluate_bundle, "survey": survey}
BY_HAND = [
    Entry(flow="experiment", name="fast", parameters={"settings": {"preset": "fast"}}),
    Entry(flow="experiment", name="paper", parameters={"settings": {"preset": "paper"}}),
    Entry(flow="evaluate", name="by-hand"),
    Entry(flow="survey", name="by-hand"),
]
"""Served whatever the file says, so that every flow can be started from the UI; an entry of the same name wins."""

ASK_EVERY_S = 10.0
"""Pause before a server that is away is asked again; each question is repeated for a while by itself."""


def plan(schedules: Path | None) -> list[RunnerDeployment]:
    """Deployments of a file and those of `BY_HAND`.

    Raises:
        UsageError: the file does not fit, naming every entry that does not.
    """
    entries = read_schedules(schedules) if schedules is not None else []
    named = {(entry.flow, entry.name) for entry in entries}
    problems = []
    deployments = []
    for number, entry in enumerate([*entries, *(one for one in BY_HAND if (one.flow, one.name) not in named)], 1):
        try:
            deployments.append(_deployment(entry))
        except (ValidationError, UsageError) as error:
            problems += [f"  {told(number, entry.flow, entry.name)}, {line}" for line in _lines(error, entry.flow)]
    if problems:
        raise UsageError(
            f"{schedules} holds parameters that do not fit:\n" + "\n".join(problems),
            "They are those of the flow: settings for experiment and survey; bundle, dataset and part for evaluate. "
            "pipeline/settings.py and pipeline/survey/settings.py list every setting.",
        )
    return deployments


def serve_all(schedules: Path | None, limit: int) -> None:
    """Serve every flow until stopped, at most `limit` runs at a time; schedules rest while nobody serves them.

    Raises:
        UsageError: `schedules` does not fit, or no Prefect server is where ``PREFECT_API_URL`` points.
    """
    deployments = plan(schedules)
    check_server()
    try:
        while not _serve_while_it_answers(deployments, limit):
            _wait_for_server()
    finally:
        pause(deployments)


def _serve_while_it_answers(deployments: list[RunnerDeployment], limit: int) -> bool:
    """Serve until stopped. False: the server was away for minutes, and Prefect gave up, with all runs under way."""
    try:
        serve(*deployments, limit=limit, pause_on_shutdown=False)
    except Exception as error:
        if not server_is_away(error):
            raise
        console.print(
            "Prefect's server is away, and Prefect cuts off a run under way: the next one goes on where it was. "
            "The schedules go on as soon as the server answers again."
        )
        return False
    return True


def _wait_for_server() -> None:
    while True:
        try:
            return check_server()
        except Exception as error:
            # A Prefect API has answered here before: what answers now is a proxy's page, until the server is back.
            if not isinstance(error, UsageError) and not server_is_away(error):
                raise
        time.sleep(ASK_EVERY_S)


def pause(deployments: list[RunnerDeployment]) -> None:
    """Pause deployments that nobody serves any more: runs that nothing starts would pile up, late.

    Prefect's own `pause_on_shutdown` is cut off where a signal comes while a run is under way.
    """
    with without_server_errors(), get_client(sync_client=True) as client:
        for deployment in deployments:
            client.pause_deployment(client.read_deployment_by_name(deployment.full_name).id)
        console.print("Paused until it is served again.")


def check_server() -> None:
    """Ask the server for its version.

    Raises:
        UsageError: what answers is no Prefect server.
        httpx.HTTPError: nothing answers, or the call is refused (`flows.mistakes` tells of both).
    """
    with get_client(sync_client=True) as client:
        answer = client.request("GET", "/admin/version")
        if "json" not in answer.headers.get("content-type", ""):
            raise UsageError(
                f"What answers at {client.api_url} is no Prefect API.",
                "PREFECT_API_URL ends in /api, for example http://127.0.0.1:4200/api.",
            )


def check_parameters(flow: FlowName, given: dict[str, Any], whole: bool) -> dict[str, Any]:
    """Parameters of a flow as JSON, only those that are given; an experiment's ``preset`` brings its values along.

    Args:
        flow: whose parameters these are.
        given: as the user wrote them.
        whole: whether those that have no default must be there.

    Raises:
        pydantic.ValidationError, UsageError: one is unknown, missing, or does not fit, does nothing where it stands,
            or holds a secret, which would stand in the server's database and pages.
    """
    if place := find_credentials(given):
        raise UsageError(f"{place} carries a password, key or signature.", REMEDY)
    if not given and not whole:
        return {}
    settings = given.get("settings", {})
    if flow == "experiment" and isinstance(settings, dict) and isinstance(settings.get("preset", "fast"), str):
        rest = {key: value for key, value in settings.items() if key != "preset"}
        given = given | {"settings": make_settings(settings.get("preset", "fast"), rest).model_dump(mode="json")}
    fitting = _model(flow).model_validate(given)
    settings = getattr(fitting, "settings", None)
    if isinstance(settings, SurveySettings):
        settings.check_used()
    return fitting.model_dump(mode="json", exclude_unset=True)


def _deployment(entry: Entry) -> RunnerDeployment:
    deployment = FLOWS[entry.flow].to_deployment(
        name=entry.name,
        schedule=entry.schedule(),
        paused=entry.paused,
        parameters=check_parameters(entry.flow, entry.parameters, whole=entry.schedule() is not None),
        description=inspect.getdoc(FLOWS[entry.flow].fn),
        tags=[entry.flow],
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    assert isinstance(deployment, RunnerDeployment)  # a coroutine only where an event loop runs
    return deployment


def _model(flow: FlowName) -> type[BaseModel]:
    """The parameters of a flow as a pydantic model."""
    function = FLOWS[flow].fn
    types = get_type_hints(function)
    fields: dict[str, Any] = {
        name: (types[name], ... if parameter.default is parameter.empty else parameter.default)
        for name, parameter in inspect.signature(function).parameters.items()
    }
    return create_model(flow, __config__=ConfigDict(extra="forbid"), **fields)


def _lines(error: ValidationError | UsageError, flow: FlowName) -> list[str]:
    if isinstance(error, UsageError):
        return [" ".join(error.problem.split())]
    return [f"{'.'.join(map(str, one['loc']))}: {plainly(one, _model(flow))}" for one in error.errors()]
