"""The end of a survey whose photographs are done: tables, page, and its row of the table `runs`."""

from __future__ import annotations

from typing import Any

from pipeline.survey.page.page import write_page
from pipeline.survey.plan import Survey
from pipeline.survey.summary import publish, record, summarise


def finish(survey: Survey, device: str) -> dict[str, Any]:
    """Publish the tables, draw the page, and write the survey's row; return it."""
    publish(survey)
    row = summarise(survey, device)
    row["report"] = str(write_page(survey, row))
    record(survey, row)
    return row
