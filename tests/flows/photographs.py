"""Photographs that surveys of flows look at: ten sound ones, one with a name that means mischief, one damaged."""

from __future__ import annotations

from pathlib import Path

from pipeline.survey.settings import SurveySettings
from tests.pipeline.survey.conftest import make_photographs
from tests.pipeline.survey.test_kills import settings_for

EVIL = "<script>alert(1)</script> | [x](javascript:alert(2)).jpg".replace("/", "∕")


def settings_of_twelve(folder: Path, bundle: Path) -> SurveySettings:
    """Settings of a survey over them, below `folder`."""
    photos = make_photographs(folder / "A7 north", 10)
    (photos / EVIL).write_bytes((photos / "p000.jpg").read_bytes())
    (photos / "bad.jpg").write_text("no picture")
    return settings_for(photos, bundle, folder / "out", chunk=3, workers=2)
