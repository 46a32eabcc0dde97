"""A tiny bundle, and a survey that is done with it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline.survey.layout import surveys_folder
from pipeline.survey.plan import Survey, read_survey
from tests.pipeline.survey.bad_files import GOOD
from tests.pipeline.survey.conftest import make_bundle, make_photographs
from tests.pipeline.survey.interrupted import settings_for
from tests.pipeline.survey.one_process import run_survey
from tests.pipeline.survey.page.surveyed import EVIL


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundle") / "tiny")


@pytest.fixture(scope="session")
def done(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Survey, dict[str, Any]]:
    """A survey of photographs with names and content of every kind."""
    folder = tmp_path_factory.mktemp("survey")
    photos = make_photographs(folder / "A7 north", 26)
    for name in (EVIL, "a" * 240 + ".jpg"):
        shutil.copy(photos / "p000.jpg", photos / name)
    for name in ("thin.png", "one_pixel.png", "cmyk.tif"):
        GOOD[name](photos / name)
    shutil.copy(photos / "p000.jpg", bytes(photos) + b"/caf\xe9.jpg")
    (photos / "cut.jpg").write_bytes((photos / "p001.jpg").read_bytes()[:-200])
    (photos / f"bad {EVIL}").write_text("no picture")
    row = run_survey(settings_for(photos, tiny, folder / "out", chunk=8))
    assert row is not None
    return read_survey(surveys_folder(folder / "out") / row["run_id"]), row
