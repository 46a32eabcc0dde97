"""How commands that run a flow start: what is not there is told first, for Prefect takes its time."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows import cli_experiment, cli_survey
from models.shipped import shipped_bundle
from tests.flows.test_cli import assert_told, crack_survey

BUNDLE = str(shipped_bundle("roads"))
FROM_RESEARCH = f"detector_training.start={shipped_bundle('crackforest-fast')}"


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["run", "--dataset", "folder", "--root", "nowhere"], 1, ["nowhere does not exist", "--root"]),
        (["run", "--split", "folds0"], 2, ["'folds0'", "fold4", "folds"]),
        (["run", "--set", "segmenter_training.start=nowhere"], 1, ["nowhere is not a bundle"]),
        (
            ["run", "--set", "licence=commercial", "--set", FROM_RESEARCH],
            2,
            ["crackforest-fast"],
        ),
        (["evaluate", "--bundle", "nowhere"], 1, ["nowhere is not a bundle"]),
        (["evaluate", "--bundle", BUNDLE, "--split", "folds"], 2, ["'folds'", "-test"]),
        (["survey", "nowhere"], 1, ["nowhere does not exist"]),
        (["survey", ".", "--bundle", "nowhere"], 1, ["nowhere is not a bundle"]),
        (["survey", ".", "--camera", "nowhere.yaml"], 2, ["nowhere.yaml"]),
        (["survey", ".", "--track", "nowhere.gpx"], 1, ["nowhere.gpx"]),
    ],
)
def test_what_is_not_there_is_told_before_prefect_starts(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], status: int, words: list[str]
) -> None:
    def started() -> None:
        pytest.fail("Prefect was started")

    monkeypatch.chdir(tmp_path)
    for module in (cli_experiment, cli_survey):
        monkeypatch.setattr(module, "start_prefect", started)
    assert_told(crack_survey(*arguments), status, *words)
    assert not home.exists()
