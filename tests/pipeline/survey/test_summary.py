from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.survey import chunk, summary
from tests.pipeline.survey.conftest import make_bundle, make_photographs
from tests.pipeline.survey.interrupted import settings_for
from tests.pipeline.survey.one_process import run_survey


@pytest.mark.parametrize("largest", [chunk, summary])
def test_the_most_memory_is_that_of_chunks_and_sums(
    largest: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in (chunk, summary):
        monkeypatch.setattr(part, "most_held_mb", lambda part=part: 900.0 if part is largest else 500.0)
    photographs = make_photographs(tmp_path / "photographs", 2)
    row = run_survey(settings_for(photographs, make_bundle(tmp_path / "tiny"), tmp_path / "out"))
    assert row is not None
    assert row["peak_memory_mb"] == 900.0
