"""What runs a survey's chunks: threads, a Dask or a Ray cluster; and whose turn it is on a GPU."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prefect import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.concurrency.sync import concurrency
from prefect.exceptions import ObjectNotFound
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from models.errors import UsageError
from pipeline.survey.settings import SurveySettings

GPU = "gpu"
"""Name of the Prefect concurrency limit that chunks on a GPU wait for."""


def make_runner(settings: SurveySettings, device: str) -> tuple[TaskRunner[Any], int, int | None]:
    """What runs the chunks, how many at a time, and the cores that each may use (None: all there are).

    Raises:
        UsageError: the package for the runner is not installed.
    """
    cores = len(os.sched_getaffinity(0))
    workers = settings.workers or (1 if device == "cuda" else cores)
    threads = None if device == "cuda" else max(1, cores // workers)
    if settings.runner == "threads":
        return ThreadPoolTaskRunner(max_workers=workers), workers, threads
    try:
        if settings.runner == "dask":
            from prefect_dask.task_runners import DaskTaskRunner

            if settings.address:
                return DaskTaskRunner(address=settings.address), workers, None
            # One thread a worker: a cascade on two threads of one process is no faster than on one.
            local = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None, "host": "127.0.0.1"}
            return DaskTaskRunner(cluster_kwargs=local), workers, threads
        from prefect_ray.task_runners import RayTaskRunner
    except ImportError as error:
        raise UsageError(
            f"The runner {settings.runner!r} is not installed: {error}.",
            f"Install it with: pip install 'crack-survey[{settings.runner}]'",
        ) from error
    if settings.address:
        return RayTaskRunner(address=settings.address), workers, None
    return RayTaskRunner(init_kwargs={"num_cpus": workers, "include_dashboard": False}), workers, threads


def ensure_gpu_limit() -> None:
    """Make the concurrency limit `GPU` with one slot, unless there is one; a user's own stays as it is."""
    with get_client(sync_client=True) as client:
        try:
            client.read_global_concurrency_limit_by_name(GPU)
        except ObjectNotFound:
            client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=GPU, limit=1))


@contextmanager
def gpu_turn(device: str) -> Iterator[None]:
    """Hold the GPU, after whoever holds it; nothing to wait for on a CPU."""
    if device != "cuda":
        yield
        return
    # A holder that was killed gives way after a minute. A server away for longer must not stop a chunk.
    with concurrency(GPU, occupy=1, lease_duration=60, strict=True, raise_on_lease_renewal_failure=False):
        yield
