"""What runs a survey's chunks: threads, a Dask or a Ray cluster; and whose turn it is on a GPU."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any, Protocol

from prefect import Task, get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.concurrency.sync import concurrency
from prefect.context import FlowRunContext
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.task_runners import ThreadPoolTaskRunner

from flows.artifacts import without_server_errors
from flows.showing import in_a_run
from models.errors import UsageError
from pipeline.survey.chunk import ChunkDone
from pipeline.survey.settings import SurveySettings

GPU = "gpu"
"""Name of the Prefect concurrency limit that networks on a GPU wait for."""

_this_process = threading.Lock()


class Submitted(Protocol):
    """A chunk under way."""

    def result(self) -> ChunkDone:
        """Wait for it."""


class Runner(Protocol):
    """What chunks are given to: a task runner of Prefect's, or `PlainThreads`."""

    def __enter__(self) -> Any: ...
    def __exit__(self, *raised: Any) -> Any: ...
    def submit(self, task: Task[..., ChunkDone], parameters: dict[str, Any]) -> Submitted:
        """Begin one as soon as there is room."""


class PlainThreads:
    """Threads that call a task's function, and tell Prefect nothing."""

    def __init__(self, workers: int) -> None:
        self.pool = ThreadPoolExecutor(workers)

    def __enter__(self) -> None:
        """Nothing to start."""

    def __exit__(self, *raised: Any) -> None:
        self.pool.shutdown(cancel_futures=True)

    def submit(self, task: Task[..., ChunkDone], parameters: dict[str, Any]) -> Submitted:
        """Begin one as soon as a thread is free."""
        return self.pool.submit(task.fn, **parameters)


def make_runner(settings: SurveySettings, device: str) -> tuple[Runner, int, int | None]:
    """What runs the chunks, how many at a time, and the cores that each may use (None: all there are).

    Raises:
        UsageError: the package for the runner is not installed, or an address or a number of workers does nothing.
    """
    settings.check_used()
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


@contextmanager
def one_server() -> Iterator[None]:
    """Give workers the address of the server that this run talks to: without it, each would start one of its own."""
    context = FlowRunContext.get()
    if context is None or PREFECT_API_URL.value():
        yield
        return
    with temporary_settings({PREFECT_API_URL: str(context.client.api_url)}):
        yield


def ensure_gpu_limit() -> None:
    """Make the concurrency limit `GPU` with one slot, unless there is one; a user's own stays as it is."""
    with without_server_errors(), get_client(sync_client=True) as client:
        try:
            client.read_global_concurrency_limit_by_name(GPU)
        except ObjectNotFound:
            client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=GPU, limit=1))


class GpuTurns:
    """Turns on the GPU: a call waits until nobody else holds it, and then holds it. On a CPU nothing is waited for.

    Once the server is away, only the chunks of this process take turns, and the server is not asked again.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._away = False

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """One turn."""
        if self._device != "cuda":
            yield
            return
        turn, given = ExitStack(), False
        if in_a_run() and not self._away:
            with without_server_errors():
                # A holder that was killed gives way after a minute. A server away for longer must not stop a chunk.
                held = concurrency(GPU, occupy=1, lease_duration=60, strict=True, raise_on_lease_renewal_failure=False)
                turn.enter_context(held)
                given = True
            self._away = not given
        with nullcontext() if given else _this_process:
            try:
                yield
            finally:
                with without_server_errors():
                    turn.close()
