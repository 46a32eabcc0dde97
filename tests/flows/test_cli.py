"""The command: what it prints, its exit statuses, and that a mistake never shows a traceback."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from typer.testing import CliRunner, Result

from flows.cli import app
from pipeline.datasets import open_dataset
from pipeline.storage.records import read_table
from pipeline.storage.schemas import HEADLINE
from tests.flows.conftest import PICTURES, Finished

TINY = ["--preset", "smoke", "--dataset", "folder", "--device", "cpu"]
ONE_EPOCH = ["--set", "detector_training.epochs=1", "--set", "segmenter_training.epochs=1"]


def crack_survey(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def assert_told(result: Result, status: int, *words: str) -> None:
    """The mistake is named with its remedy, on standard error, without a traceback."""
    assert result.exit_code == status, result.output
    assert isinstance(result.exception, SystemExit), repr(result.exception)
    for word in ("Error: ", *words):
        assert word in result.stderr
    assert len(result.stderr.strip().splitlines()) >= 2, "what is wrong, then what to do"
    assert "Traceback" not in result.output
    assert not result.stdout


def test_the_version_is_told() -> None:
    result = crack_survey("--version")
    assert (result.exit_code, result.stdout.strip()) == (0, version("crack-survey"))


def test_help_needs_nothing_heavy() -> None:
    code = (
        "import sys, flows.cli;"
        "heavy = {'torch', 'prefect', 'pandas', 'numpy', 'pydantic', 'cv2', 'pyarrow'} & set(sys.modules);"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", ["run", "runs", "report", "evaluate", "serve", "data fetch", "data info"])
def test_every_command_explains_itself(command: str) -> None:
    result = crack_survey(*command.split(), "--help")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) > 8


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["run", "--preset", "quick"], 2, ["'quick'", "fast, finetune, brief, accurate, paper"]),
        (["run", "--set", "detector.colour=red"], 2, ["detector.colour"]),
        (["run", "--set", "detector_training.epochs=none"], 2, ["detector_training.epochs", "'none'"]),
        (["run", "--set", "epochs"], 2, ["--set epochs"]),
        (["run", "--dataset", "roads"], 2, ["dataset.name", "'roads'"]),
        (["run", "--set", "preset=paper"], 2, ["--set preset=paper", "--preset paper"]),
        (["run", "--device", "tpu"], 2, ["device", "'tpu'"]),
        (["report", "2018"], 2, ["There is no run yet"]),
        (["data", "fetch", "deepcrack"], 2, ["'deepcrack'", "crackforest"]),
        (["data", "info", "nowhere"], 1, ["nowhere"]),
        (["measure", "masks", "--out", "s3://roads/a.csv"], 2, ["--out is an address"]),
        (["camera", "show", "a.yaml", "a.jpg", "--out", "s3://roads/a.jpg"], 2, ["--out is an address"]),
        (["export", "--bundle", "b", "--out", "s3://roads/onnx"], 2, ["--out is an address"]),
        (["data", "fetch", "crackforest", "--into", "s3://roads/cf"], 2, ["--into is an address"]),
    ],
)
def test_wrong_usage(home: Path, arguments: list[str], status: int, words: list[str]) -> None:
    assert_told(crack_survey(*arguments), status, *words)
    assert not home.exists()


def test_an_unknown_option_is_wrong_usage() -> None:
    result = crack_survey("run", "--epoch", 3)
    assert result.exit_code == 2
    assert "--epoch" in result.stderr


def test_serve_needs_a_server() -> None:
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        assert_told(crack_survey("serve"), 2, "PREFECT_API_URL", "prefect server start")


def test_runs_without_any_run_shows_the_paper(home: Path) -> None:
    assert "98.92 %" in crack_survey("runs").stdout
    past = json.loads(crack_survey("runs", "--json").stdout)
    assert past["runs"] == []
    assert past["paper"]["precision"] == 0.9892


def test_data_info(tiny_root: Path) -> None:
    assert f"{PICTURES}, of {PICTURES} scenes" in crack_survey("data", "info", tiny_root).stdout
    found = json.loads(crack_survey("data", "info", tiny_root, "--json").stdout)
    assert (found["dataset"], found["samples"], found["problems"]) == ("folder", PICTURES, [])


def test_data_info_names_what_is_broken(own_root: Path) -> None:
    (own_root / "images" / "p3.png").write_bytes(b"no picture")
    result = crack_survey("data", "info", own_root)
    assert result.exit_code == 1
    assert "p3.png" in result.stdout


@pytest.mark.slow
class TestWithPrefect:
    """Commands that run a flow, against the server of the tests."""

    def test_run_prints_one_json_object(self, finished: Finished, finished_home: Path) -> None:
        result = crack_survey("run", *TINY, *ONE_EPOCH, "--root", finished.settings.dataset.root, "--json")
        assert result.exit_code == 0, result.output
        printed = json.loads(result.stdout)
        assert set(HEADLINE) <= set(printed)
        assert printed["precision"] == finished.recorded.metrics["precision"]
        assert printed["total_s"] < printed["train_detector_s"], "the same settings: nothing is trained again"
        assert Path(printed["report"]).is_file()
        assert "train detector: nothing changed" in result.stderr

    def test_run_prints_its_figures_and_where_its_report_lies(self, finished: Finished, finished_home: Path) -> None:
        result = crack_survey("run", *TINY, *ONE_EPOCH, "--root", finished.settings.dataset.root)
        assert result.exit_code == 0, result.output
        assert "precision of boxes" in result.stdout
        assert "98.92 %" not in result.stdout, "the paper's figures are of other pictures"
        page = result.stdout.split("Report: ")[1].splitlines()[0]
        assert crack_survey("report", "last").stdout.strip() == page

    def test_runs_and_report(self, finished: Finished, finished_home: Path) -> None:
        past = json.loads(crack_survey("runs", "--json").stdout)
        assert past["runs"][0]["run_id"] == finished.recorded.run_id
        assert set(HEADLINE) <= set(past["runs"][0])
        assert finished.recorded.run_id in crack_survey("runs").stdout
        assert finished.recorded.run_id in crack_survey("runs", "--split", "paper").stdout
        assert finished.recorded.run_id not in crack_survey("runs", "--split", "fold3").stdout
        page = finished.recorded.report
        page.unlink()
        assert crack_survey("report", finished.recorded.run_id).stdout.strip() == str(page)
        assert page.is_file(), "a page that is gone is drawn again"
        assert_told(crack_survey("report", "1999"), 2, "1999", past["runs"][-1]["run_id"])

    def test_evaluate_measures_a_bundle(self, finished: Finished, finished_home: Path) -> None:
        root = finished.settings.dataset.root
        common = ["evaluate", "--bundle", finished.recorded.bundle, "--dataset", "folder", "--root", root]
        result = crack_survey(*common, "--json")
        assert result.exit_code == 0, result.output
        printed = json.loads(result.stdout)
        for figure in ("precision", "segmentation_error", "data_reduction", "f1_2px", "ap50"):
            assert printed[figure] == pytest.approx(finished.recorded.metrics[figure], nan_ok=True, abs=1e-6), figure
        row = read_table("runs", finished_home, printed["run_id"]).iloc[0]
        assert (row["kind"], row["split"], row["images"]) == ("evaluate", "paper-test", printed["images"])
        assert_told(crack_survey(*common, "--split", "paper"), 2, "'paper'", "paper-test"[5:])
        common[2] = root
        assert_told(crack_survey(*common), 1, str(root), "bundle.json")

    def test_a_root_that_is_not_what_was_named(self, prefect_api: str, tiny_root: Path, home: Path) -> None:
        result = crack_survey("run", "--dataset", "crackforest", "--root", tiny_root)
        assert_told(result, 1, str(tiny_root))
        assert_told(crack_survey("run", "--dataset", "crackforest"), 2, "--root")
        assert not read_table("runs", home).size

    def test_a_split_that_does_not_exist(self, prefect_api: str, tiny_root: Path, home: Path) -> None:
        assert_told(crack_survey("run", *TINY, "--root", tiny_root, "--split", "halves"), 2, "'halves'", "fold0")

    def test_a_corrupt_picture(self, prefect_api: str, own_root: Path, home: Path) -> None:
        (own_root / "images" / "p3.png").write_bytes(b"no picture")
        assert_told(crack_survey("run", *TINY, "--root", own_root), 1, "p3.png")
        assert not read_table("runs", home).size

    def test_a_mask_of_another_size(self, prefect_api: str, own_root: Path, home: Path) -> None:
        cv2.imwrite(str(own_root / "masks" / "p3.png"), np.zeros((50, 40), np.uint8))
        assert_told(crack_survey("run", *TINY, "--root", own_root), 1, "p3.png", "40")
        assert not read_table("runs", home).size

    def test_a_missing_mask(self, prefect_api: str, own_root: Path, home: Path) -> None:
        (own_root / "masks" / "p3.png").unlink()
        assert_told(crack_survey("run", *TINY, "--root", own_root), 1, "p3")

    def test_a_truncated_snapshot(self, finished: Finished, finished_home: Path) -> None:
        from pipeline.stages.keys import stage_folder, stage_keys

        settings = finished.settings.model_copy(update={"seed": 5})
        folder = stage_folder(finished_home, "train-detector", stage_keys(settings, "cpu")["train-detector"])
        folder.mkdir()
        (folder / "resume.pt").write_bytes(b"PK half a snapshot")
        root = finished.settings.dataset.root
        result = crack_survey("run", *TINY, *ONE_EPOCH, "--seed", 5, "--root", root)
        assert_told(result, 1, str(folder / "resume.pt"), "Delete")

    def test_no_space_left(
        self, prefect_api: str, tiny_root: Path, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(home / "boxes.parquet"))

        monkeypatch.setattr("pipeline.stages.prepare.prepare", full)
        result = crack_survey("run", *TINY, "--root", tiny_root)
        assert_told(result, 1, "No space left", "boxes.parquet", "CRACK_SURVEY_HOME")

    def test_a_bug_is_not_dressed_up_as_a_users_mistake(
        self, prefect_api: str, tiny_root: Path, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def wrong(*_: object) -> None:
            raise ZeroDivisionError("a bug")

        monkeypatch.setattr("pipeline.stages.prepare.prepare", wrong)
        result = crack_survey("run", *TINY, "--root", tiny_root)
        assert isinstance(result.exception, ZeroDivisionError)
        assert result.exit_code == 1


def test_the_sample_alone_trains_shortly() -> None:
    from flows.cli_experiment import settings_of
    from pipeline.presets import PRESETS

    alone = settings_of(None, "sample", None, None, "paper", [], None, "auto")
    assert alone.preset == "sample"
    assert alone.detector_training.epochs == PRESETS["sample"]["detector_training"]["epochs"]
    assert settings_of(None, "sample", None, None, "paper", ["dataset.name=folder"], None, "auto").preset == "fast"
    chosen = settings_of("fast", "sample", None, None, "paper", ["segmenter_training.epochs=3"], None, "auto")
    assert chosen.detector_training.epochs > PRESETS["sample"]["detector_training"]["epochs"]
    assert chosen.segmenter_training.epochs == 3
    assert len(open_dataset(alone.dataset)) == alone.dataset.sample_count
