"""Where a survey stands: photographs done, how many a second, and the time left."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flows.progress import stage_progress
from flows.survey_artifacts import duration
from pipeline.survey.chunk import ChunkDone
from pipeline.survey.plan import Survey

LINE_EVERY_S = 10.0


class SurveyProgress:
    """Tells of every chunk that is done."""

    def __init__(self, planned: Survey, report: Any) -> None:
        self.total = planned.photographs
        self.report = report
        chunk = planned.plan.settings.chunk
        self.done = self.total - sum(min(chunk, self.total - number * chunk) for number in planned.pending())
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
        self.report(self.done, self.total, line)

    def line(self, seconds: float) -> str:
        """Where it stands after `seconds` of this try."""
        speed = self.here / max(seconds, 1e-9)
        rest = self.total - self.done
        left = f", {duration(rest / speed)} left" if rest else ""
        failed = f", {self.failures:,} failed" if self.failures else ""
        return f"{self.done:,} of {self.total:,} photographs, {speed:.1f} a second{left}{failed}"


@contextmanager
def survey_progress(planned: Survey) -> Iterator[SurveyProgress]:
    """A `SurveyProgress` that speaks on the terminal, in the log and as a progress artifact."""
    with stage_progress("survey progress") as report:
        yield SurveyProgress(planned, report)
