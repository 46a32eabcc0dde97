"""A survey that was cut off in the middle."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.survey.settings import SurveySettings
from tests.pipeline.survey.one_process import run_survey


def settings_for(photos: Path, bundle: Path, out: Path, **more: object) -> SurveySettings:
    return SurveySettings.model_validate(
        {"photos": str(photos), "bundle": bundle, "out": out, "chunk": 2, "device": "cpu", **more}
    )


def interrupted(settings: SurveySettings) -> None:
    """Stop after the first chunk."""

    def stop(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_survey(settings, report=stop)
