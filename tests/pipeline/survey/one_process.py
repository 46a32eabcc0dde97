"""A whole survey in one process, without Prefect: what the flow does, chunk after chunk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.survey.chunk import ChunkDone, process_chunk
from pipeline.survey.finish import finish
from pipeline.survey.layout import check_output, surveys_folder
from pipeline.survey.lock import hold
from pipeline.survey.plan import begin
from pipeline.survey.restore import restore
from pipeline.survey.road import sum_road
from pipeline.survey.settings import SurveySettings
from pipeline.training.loop import pick_device


def run_survey(
    settings: SurveySettings, abandon: bool = False, report: Callable[[ChunkDone], None] | None = None
) -> dict[str, Any] | None:
    """Survey every photograph, from where an earlier try was cut off.

    Args:
        settings: `settings.runner` and what goes with it do not matter here.
        abandon: drop an unfinished survey instead.
        report: told of each chunk.

    Returns:
        The survey's row of the table `runs`; None where the record knows every photograph as it is.

    Raises:
        models.errors.UserError: naming what is wrong and the remedy.
    """
    check_output(settings.target)
    with hold(surveys_folder(settings.target)):
        answering: set[str] = set()
        survey = begin(settings, abandon, answering)
        restore(settings, answering)
        if survey is None:
            return None
        device = pick_device(settings.device).type
        for number in survey.pending():
            done = process_chunk(survey.folder, number, device)
            if report is not None:
                report(done)
        sum_road(survey)
        return finish(survey, device)
