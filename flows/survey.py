"""A batch of photographs as a flow: list → chunks, one task each, on threads, Dask or Ray → record.

Prefect starts, shows and distributes the work. What is done and what is not stands in the output folder alone
(`pipeline.survey`), so that a flow that died, or its server, costs no photograph.
"""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from flows.artifacts import tag_run
from flows.progress import say
from flows.runners import GpuTurns, PlainThreads, Runner, Submitted, ensure_gpu_limit, make_runner, one_server
from flows.showing import NotShown, in_a_run, run_shown
from flows.survey_artifacts import over, print_survey, publish_survey
from flows.survey_progress import survey_progress
from flows.tables import print_json
from models.bundle import read_card
from models.errors import DataError
from pipeline.survey.chunk import ChunkDone, process_chunk
from pipeline.survey.finish import finish
from pipeline.survey.layout import check_output, surveys_folder
from pipeline.survey.lock import hold
from pipeline.survey.plan import Survey, begin, read_survey
from pipeline.survey.restore import restore
from pipeline.survey.road import sum_road
from pipeline.survey.road_check import INSTALL_GEO, can_place
from pipeline.survey.settings import SurveySettings
from pipeline.survey.summary import count_kinds
from pipeline.survey.to_scale import told_of_scale
from pipeline.survey.unfit import told_of_unfit
from pipeline.training.loop import pick_device


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
def chunk_task(folder: Path, number: int, device: str, threads: int | None, streams: int) -> ChunkDone:
    """Do one chunk; `threads` is its share of the cores, None for all; `streams` are its process's chunks at once."""
    if threads is not None and torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
    return process_chunk(folder, number, device, streams, GpuTurns(device))


@task(name="sum-sections", cache_policy=NO_CACHE, persist_result=False)
def sum_sections_task(folder: Path) -> None:
    """Put photographs and cracks in their places on the road, and sum the cracks over sections."""
    sum_road(read_survey(folder))


@task(name="record-survey", cache_policy=NO_CACHE, persist_result=False)
def record_survey_task(folder: Path, device: str) -> dict[str, Any]:
    """Publish the tables, draw the page, write the survey's row, show it in the UI."""
    survey = read_survey(folder)
    row = finish(survey, device)
    publish_survey(survey, row)
    return row


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
    tag_run("survey", settings.name)
    return _survey(settings, abandon, *make_runner(settings, pick_device(settings.device).type))


def survey_alone(settings: SurveySettings, abandon: bool = False) -> dict[str, Any] | None:
    """Do the same without Prefect, on threads of this process whatever the runner."""
    settings.check_used()
    here = settings.model_copy(update={"runner": "threads", "address": None})
    _, workers, threads = make_runner(here, pick_device(settings.device).type)
    return _survey(here, abandon, PlainThreads(workers), workers, threads)


def _survey(
    settings: SurveySettings, abandon: bool, runner: Runner, workers: int, threads: int | None
) -> dict[str, Any] | None:
    device = pick_device(settings.device).type
    check_output(settings.target)
    with hold(surveys_folder(settings.target)):
        answering: set[str] = set()
        planned = begin(settings, abandon, answering)
        for line in restore(settings, answering):
            say(line)
        if planned is None:
            say(f"Nothing new: the record in {settings.target} knows every photograph of {settings.photos} as it is.")
            return None
        _announce(planned)
        if next(iter(planned.pending()), None) is not None:
            on_threads = settings.runner == "threads"
            _do_chunks(
                planned,
                runner,
                {"device": device, "threads": threads, "streams": workers if on_threads else 1},
                in_flight=2 * workers if on_threads else 256,
            )
        shown = in_a_run()
        (sum_sections_task if shown else sum_sections_task.fn)(planned.folder)
        row = (record_survey_task if shown else record_survey_task.fn)(planned.folder, device)
        for line in told_of_unfit(planned):
            say(f"Warning: {line}")
    if row["failures"]:
        kinds = ", ".join(f"{count} {kind}" for kind, count in count_kinds(planned.out, planned.plan.run_id).items())
        say(f"Warning: {row['failures']} of {row['photographs']} photographs failed: {kinds}.")
    if over(row, settings.max_failures):
        raise TooManyFailures(row, settings.max_failures or 0, settings.target)
    return row


def _do_chunks(survey: Survey, runner: Runner, how: dict[str, Any], in_flight: int) -> None:
    """Do every chunk that is not done, a few more under way than can run: memory stays bounded.

    They go to the runner itself: a flow of their own, or tags on the tasks, would have to be asked of the server.
    """
    if how["device"] == "cuda" and in_a_run():
        ensure_gpu_limit()
    under_way: deque[Submitted] = deque()
    with one_server(), runner, survey_progress(survey) as report:
        for number in survey.pending():
            if len(under_way) >= in_flight:
                report(under_way.popleft().result())
            under_way.append(runner.submit(chunk_task, {"folder": survey.folder, "number": number, **how}))
        while under_way:
            report(under_way.popleft().result())


def run_from_command(settings: SurveySettings, abandon: bool, as_json: bool) -> None:
    """Survey, and print the figures to standard output.

    Raises:
        models.errors.UserError: naming what is wrong and the remedy.
    """
    failed = None
    try:
        row, shown = run_shown(survey, survey_alone, settings, abandon)
    except TooManyFailures as error:
        failed, row, shown = error, error.row, True
    if as_json:
        print_json(row or {"run_id": None, "photographs": 0, "source": settings.photos})
    elif row is None:
        print("Nothing new.")
    else:
        print_survey(row, count_kinds(settings.target, row["run_id"]))
        print(f"Tables: {settings.target / 'records'}")
        print(f"Report: {row['report']}")
    if failed is not None:
        raise failed
    if not shown:
        raise NotShown


def _announce(planned: Survey) -> None:
    plan = planned.plan
    known = f", {plan.known:,} more are known" if plan.known else ""
    passed = ", ".join(f"{count:,} {what}" for what, count in plan.passed_over.items())
    begun = "goes on" if planned.resumed else "begins"
    say(
        f"Survey {plan.settings.name} {begun} as run {plan.run_id}: {planned.photographs:,} photographs{known}"
        f"{f'; passed over: {passed}' if passed else ''}."
    )
    say(f"Everything goes to {planned.out}.")
    if told := told_of_scale(plan, read_card(plan.settings.bundle).mm_per_px):
        say(told)
    if not can_place():
        say(f"Nothing is put on a map or summed over sections, for packages are missing: {INSTALL_GEO}")
