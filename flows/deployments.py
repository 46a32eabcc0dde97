"""Flows as Prefect deployments, to be started from the UI or by `prefect deployment run`."""

from __future__ import annotations

from prefect import serve
from prefect.deployments.runner import RunnerDeployment

from flows.experiment import experiment
from pipeline.settings import make_settings

SERVED_PRESETS = ("fast", "paper")


def serve_all() -> None:
    """Serve every flow from this process until it is stopped; needs a Prefect server (``PREFECT_API_URL``)."""
    deployments = []
    for preset in SERVED_PRESETS:
        deployment = experiment.to_deployment(
            name=preset,
            description=f"The experiment with the preset {preset!r}; every setting can be changed in the form.",
            parameters={"settings": make_settings(preset).model_dump(mode="json")},
            tags=[preset],
        )
        assert isinstance(deployment, RunnerDeployment)  # a coroutine only where an event loop runs
        deployments.append(deployment)
    serve(*deployments)
