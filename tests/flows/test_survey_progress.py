"""The line that says where a survey stands."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from flows.survey_progress import SurveyProgress
from pipeline.survey.plan import Survey


def test_time_is_left_as_long_as_photographs_are() -> None:
    settings = SimpleNamespace(chunk=32)
    planned: Any = SimpleNamespace(photographs=100, plan=SimpleNamespace(settings=settings), pending=lambda: range(4))
    progress = SurveyProgress(cast("Survey", planned), lambda *told: None)
    progress.done = progress.here = 96
    assert progress.line(48) == "96 of 100 photographs, 2.0 a second, 2.0 s left"
    progress.done = progress.here = 100
    progress.failures = 1
    assert progress.line(50) == "100 of 100 photographs, 2.0 a second, 1 failed"
