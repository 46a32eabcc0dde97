"""A batch of photographs as a flow: list → chunks, one task each, on threads, Dask or Ray → record.

Prefect starts, shows and distributes the work. What is done and what is not stands in the output folder alone
(`pipeline.survey`), so that a flow that died, or its server, costs no photograph.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from prefect import flow, get_client, tags, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.concurrency.sync import concurrency
from prefect.exceptions import ObjectNotFound
from prefect.futures import PrefectFuture
from prefect.runtime import flow_run
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from flows.progress import say, stage_progress
from flows.survey_artifacts import duration, over, print_survey, publish_survey
from flows.tables import print_json
from models.errors import DataError, UsageError
from pipeline.survey.chunk import ChunkDone, process_chunk
from pipeline.survey.lock import hold
from pipeline.survey.plan import Survey, begin, read_survey, surveys_folder
from pipeline.survey.settings import SurveySettings
from pipeline.survey.summary import count_kinds, publish, record, summarise
from pipeline.training import pick_device

GPU = "gpu"
"""Name of the Prefect concurrency limit that chunks on a GPU wait for."""

LINE_EVERY_S = 10.0


class TooManyFailures(DataError):  # noqa: N818  # an error by its base
    """The survey is recorded, and more of its photographs failed than the user allows.

    Args:
        row: of the table `runs`.
    """

    def __init__(self, row: dict[str, Any], limit: int, out: Path) -> None:
        super().__init__(
            f"{row['failures']} of {row['photographs']} photographs failed, more than the {limit} of --max-failures.",
            f"All else is recorded. The table failures in {out / 'records'} says which, and why.",
        )
        self.row = row


@task(name="chunk", task_run_name="chunk {number}", cache_policy=NO_CACHE, persist_result=False)
def chunk_task(folder: Path, number: int, device: str, threads: int | None) -> ChunkDone:
    """Do one chunk; `threads` is its share of the cores, None for all."""
    if threads is not None and torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
    with gpu_turn(device):
        return process_chunk(folder, number, device)


@task(name="record-survey", cache_policy=NO_CACHE, persist_result=False)
def record_survey_task(folder: Path, device: str) -> dict[str, Any]:
    """Publish the tables, show them in the UI, write the survey's row."""
    survey = read_survey(folder)
    publish(survey)
    row = summarise(survey, device)
    publish_survey(survey, row)
    record(survey, row)
    return row


@flow(name="survey-chunks", persist_result=False, validate_parameters=False)
def chunks_flow(folder: Path, device: str, threads: int | None, in_flight: int) -> None:
    """Do every chunk that is not done, a few more under way than can run: memory stays bounded."""
    survey = read_survey(folder)
    under_way: deque[PrefectFuture[ChunkDone]] = deque()
    with survey_progress(survey) as report:
        for number in survey.pending():
            if len(under_way) >= in_flight:
                report(under_way.popleft().result())
            under_way.append(chunk_task.submit(folder, number, device, threads))
        while under_way:
            report(under_way.popleft().result())


def run_name() -> str:
    """Name of the flow run in the UI: survey and date."""
    settings = SurveySettings.model_validate(flow_run.parameters["settings"])
    return f"survey {settings.name} {datetime.now(UTC):%Y-%m-%d %H:%M}"


@flow(name="survey", flow_run_name=run_name, persist_result=False)
def survey(settings: SurveySettings, abandon: bool = False) -> dict[str, Any] | None:
    """Find the cracks in a batch of photographs, from where an earlier try was cut off.

    Args:
        settings: which photographs, with which bundle, and how.
        abandon: drop an unfinished survey of this output and begin anew.

    Returns:
        The survey's row of the table `runs`; None where the record knows every photograph as it is.

    Raises:
        models.errors.UserError: naming what is wrong and the remedy.
    """
    device = pick_device(settings.device).type
    runner, workers, threads = make_runner(settings, device)
    with hold(surveys_folder(settings.target)), tags("survey", settings.name):
        planned = begin(settings, abandon)
        if planned is None:
            say(f"Nothing new: the record in {settings.target} knows every photograph of {settings.photos} as it is.")
            return None
        _announce(planned)
        if device == "cuda":
            ensure_gpu_limit()
        if next(iter(planned.pending()), None) is not None:
            chunks_flow.with_options(task_runner=runner, flow_run_name=f"chunks of {settings.name}")(
                planned.folder, device, threads, in_flight=2 * workers if settings.runner == "threads" else 256
            )
        row = record_survey_task(planned.folder, device)
    if row["failures"]:
        kinds = ", ".join(f"{count} {kind}" for kind, count in count_kinds(planned.out, planned.plan.run_id).items())
        say(f"Warning: {row['failures']} of {row['photographs']} photographs failed: {kinds}.")
    if over(row, settings.max_failures):
        raise TooManyFailures(row, settings.max_failures or 0, settings.target)
    return row


def run_from_command(settings: SurveySettings, abandon: bool, as_json: bool) -> None:
    """Survey, and print the figures to standard output.

    Raises:
        models.errors.UserError: naming what is wrong and the remedy.
    """
    failed = None
    try:
        row = survey(settings, abandon)
    except TooManyFailures as error:
        failed, row = error, error.row
    if as_json:
        print_json(row or {"run_id": None, "photographs": 0, "source": settings.photos})
    elif row is None:
        print("Nothing new.")
    else:
        print_survey(row, count_kinds(settings.target, row["run_id"]))
        print(f"Tables: {settings.target / 'records'}")
    if failed is not None:
        raise failed


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


class SurveyProgress:
    """Tells of every chunk: photographs done, how many a second, and the time left."""

    def __init__(self, planned: Survey, report: Any) -> None:
        self.total = planned.photographs
        self.report = report
        pending = sum(1 for _ in planned.pending())
        self.done = max(0, self.total - pending * planned.plan.settings.chunk)
        self.here = self.failures = 0
        self.began = self.line_at = time.monotonic()

    def __call__(self, done: ChunkDone) -> None:
        """Count one chunk."""
        self.done += done.photographs
        self.here += done.photographs
        self.failures += done.failures
        now = time.monotonic()
        line = ""
        if now - self.line_at >= LINE_EVERY_S or self.done >= self.total:
            self.line_at = now
            line = self.line(now - self.began)
        self.report(min(self.done, self.total), self.total, line)

    def line(self, seconds: float) -> str:
        """Where it stands after `seconds` of this try."""
        speed = self.here / max(seconds, 1e-9)
        left = duration((self.total - min(self.done, self.total)) / speed)
        failed = f", {self.failures:,} failed" if self.failures else ""
        return (
            f"{min(self.done, self.total):,} of {self.total:,} photographs, {speed:.1f} a second, {left} left{failed}"
        )


@contextmanager
def survey_progress(planned: Survey) -> Iterator[SurveyProgress]:
    """A `SurveyProgress` that speaks on the terminal, in the log and as a progress artifact."""
    with stage_progress("survey") as report:
        yield SurveyProgress(planned, report)


def _announce(planned: Survey) -> None:
    plan = planned.plan
    known = f", {plan.known:,} more are known" if plan.known else ""
    passed = "".join(f"; passed over: {count:,} {what}" for what, count in plan.passed_over.items())
    begun = "goes on" if planned.resumed else "begins"
    say(
        f"Survey {plan.settings.name} {begun} as run {plan.run_id}: {planned.photographs:,} photographs{known}{passed}."
    )
    say(f"Everything goes to {planned.out}.")
