"""Whatever goes wrong with one photograph is a failure of that one; what ends a survey is the machine's trouble."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.errors import DataError
from pipeline.storage.records import read_table
from pipeline.survey import chunk, process
from pipeline.survey.settings import SurveySettings
from tests.pipeline.survey.one_process import run_survey


@pytest.mark.parametrize(
    ("module", "name", "error", "kind"),
    [
        (process, "looked_at", IndexError("480 is not 320"), "error"),
        (process, "put_back", ValueError("no"), "error"),
        (chunk, "mask_png", MemoryError(), "out of memory"),
        (chunk, "measured_rows", IndexError("480 is not 320"), "error"),
    ],
)
def test_one_that_is_stumbled_over_fails_alone(
    tmp_path: Path,
    bundle: Path,
    photographs: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: object,
    name: str,
    error: Exception,
    kind: str,
) -> None:
    real, calls = getattr(module, name), []

    def stumbles(*told: object) -> object:
        calls.append(name)
        if len(calls) == 2:
            raise error
        return real(*told)

    monkeypatch.setattr(module, name, stumbles)
    settings = SurveySettings(photos=str(photographs), bundle=bundle, out=tmp_path / "out", device="cpu", masks="all")
    row = run_survey(settings)
    assert row is not None
    assert (row["images"], row["failures"]) == (11, 1)
    failed = read_table("failures", tmp_path / "out").iloc[0]
    assert (failed["stage"], failed["kind"]) == ("cascade", kind)
    assert failed["message"]


def test_a_full_disk_ends_the_survey(
    tmp_path: Path, bundle: Path, photographs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise DataError("Cannot write: no space left.", "Free some space.")

    monkeypatch.setattr(chunk, "place", full)
    settings = SurveySettings(photos=str(photographs), bundle=bundle, out=tmp_path / "out", device="cpu", masks="all")
    with pytest.raises(DataError, match="no space"):
        run_survey(settings)
