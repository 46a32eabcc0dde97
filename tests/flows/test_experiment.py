"""The experiment as a flow, end to end on pictures of 96 px."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterId,
)
from prefect.client.schemas.objects import State

from flows import experiment as experiments
from flows.evaluate import evaluate_bundle
from flows.experiment import experiment
from models.bundle import read_card
from models.errors import DataError, UsageError
from pipeline.datasets.splits import FOLDS
from pipeline.settings import RunSettings, make_settings
from pipeline.stages.keys import stage_folder, stage_keys
from pipeline.stages.record import RecordedRun, rerender_report
from pipeline.storage.records import read_table
from tests.flows.conftest import PICTURES, Finished, tiny_settings

pytestmark = pytest.mark.slow
STAGES = ("prepare", "train-detector", "detect", "crop", "train-segmenter", "segment", "evaluate", "record")


def states_of(state: State[RecordedRun]) -> dict[str, str]:
    """State name by task of one flow run; the server learns of them a little later than we do."""
    chosen = FlowRunFilter(id=FlowRunFilterId(any_=[state.state_details.flow_run_id]))
    with get_client(sync_client=True) as client:
        for _ in range(100):
            runs = client.read_task_runs(flow_run_filter=chosen)
            found = {run.name.rsplit("-", 1)[0]: run.state_name or "" for run in runs}
            if len(found) == len(STAGES) and set(found.values()) <= {"Cached", "Completed"}:
                return found
            time.sleep(0.1)
    raise AssertionError(f"the server knows only {found}")


def test_a_run_is_recorded_whole(finished: Finished) -> None:
    (row,) = read_table("runs", finished.home, finished.recorded.run_id).to_dict("records")
    assert (row["kind"], row["dataset"], row["preset"]) == ("experiment", "folder", "smoke")
    assert row["train_detector_s"] > 0
    assert row["total_s"] > row["train_detector_s"]
    assert 0 <= row["segmentation_error"] <= 1
    assert finished.recorded.report.read_text().startswith("<!")
    assert finished.recorded.bundle is not None
    assert read_card(finished.recorded.bundle).split == "paper"
    assert len(read_table("images", finished.home, finished.recorded.run_id)) == row["images"]


def test_the_prefect_ui_shows_it(finished: Finished) -> None:
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(finished.flow_run_id)
        of_it = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run.id]))
        found = client.read_artifacts(artifact_filter=of_it)
    assert run.name.startswith("folder paper smoke 2")
    artifacts = {artifact.key: artifact for artifact in found}
    assert {"train-detector", "train-segmenter", "segment", "metrics", "report"} <= set(artifacts)
    assert artifacts["train-detector"].data == 100
    rows = json.loads(str(artifacts["metrics"].data))
    assert rows[0]["figure"] == "precision of boxes"
    assert rows[0].keys() == {"figure", "this run", "full frame"}, "the paper's stand beside CrackForest's only"
    assert "](data:image/jpeg;base64," in str(artifacts["report"].data)
    assert len(str(artifacts["report"].data)) < 100_000


def test_another_segmenter_setting_uses_the_trained_detector_again(finished: Finished, finished_home: Path) -> None:
    settings = tiny_settings(finished.settings.dataset.root, segmenter_training__lr=2e-3)
    state = experiment(settings, return_state=True)
    states = states_of(state)
    assert states == {
        **dict.fromkeys(("prepare", "train-detector", "detect", "crop"), "Cached"),
        **dict.fromkeys(("train-segmenter", "segment", "evaluate", "record"), "Completed"),
    }
    row = state.result().metrics
    assert row["train_detector_s"] == finished.recorded.metrics["train_detector_s"]
    assert row["train_segmenter_s"] > 0


def test_a_deleted_result_is_made_again(finished: Finished, finished_home: Path) -> None:
    folder = stage_folder(finished_home, "crop", stage_keys(finished.settings, "cpu")["crop"])
    shutil.rmtree(folder)
    state = experiment(finished.settings, return_state=True)
    assert {stage for stage, name in states_of(state).items() if name == "Completed"} == {"crop", "record"}
    assert (folder / "crops.parquet").is_file()


def test_a_half_done_stage_is_not_taken_for_done(finished: Finished, finished_home: Path) -> None:
    folder = stage_folder(finished_home, "evaluate", stage_keys(finished.settings, "cpu")["evaluate"])
    (folder / "done.json").unlink()
    (folder / "metrics.json").write_text("{")
    row = experiment(finished.settings).metrics
    assert row["precision"] == pytest.approx(finished.recorded.metrics["precision"], nan_ok=True)


def test_the_terms_of_a_start_count_although_the_data_were_prepared_before(
    finished: Finished, home: Path, prefect_api: str
) -> None:
    """What a start allows is in no stage's key: each run looks for itself."""
    free = {"dataset.name": "sample", "dataset.sample_count": 6, "device": "cpu"}
    from_research = free | {"segmenter_training.start": finished.recorded.bundle}
    told = []
    for given in (free, from_research):
        bundle = experiment(make_settings("smoke", given)).bundle
        assert bundle is not None
        told.append(read_card(bundle).commercial)
    assert told == [True, False]
    with pytest.raises(UsageError, match="the start folder-smoke"):
        experiment(make_settings("smoke", from_research | {"licence": "commercial"}))


def test_folds_are_pooled(prefect_api: str, tiny_root: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    two = FOLDS[:2]  # each trains both networks; that all five test every picture once is tested with the splits
    monkeypatch.setattr(experiments, "FOLDS", two)
    recorded = experiment(tiny_settings(tiny_root, dataset__split="folds"))
    runs = read_table("runs", home)
    assert sorted(runs["split"]) == [*two, "folds"]
    pooled = runs[runs["run_id"] == recorded.run_id].iloc[0]
    assert pooled["split"] == "folds"
    assert pooled["images"] == runs.loc[runs["split"] != "folds", "images"].sum() == PICTURES * 2 // 5
    assert len(read_table("images", home, recorded.run_id)) == pooled["images"]
    assert recorded.bundle is None
    for page in (recorded.report, rerender_report(home, recorded.run_id)):
        assert "Operating point" in page.read_text()
        assert 'id="review"' in page.read_text()


def test_a_users_mistake_comes_out_as_it_is(prefect_api: str, tmp_path: Path, home: Path) -> None:
    with pytest.raises(DataError, match="nowhere"):
        experiment(tiny_settings(tmp_path / "nowhere"))
    assert not home.exists()


@pytest.mark.parametrize("name", ["runs", "records"])
def test_a_file_in_the_place_of_a_folder_is_told_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("CRACK_SURVEY_HOME", str(tmp_path))
    (tmp_path / name).write_text("mine")
    for begin in (experiment.fn, lambda: evaluate_bundle.fn(tmp_path / "bundle")):
        with pytest.raises(DataError, match=f"{name} is a file where a folder is needed"):
            begin()
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"preset": "smoke", "seed": 3}, make_settings("smoke", {"seed": 3})),
        ({**make_settings("fast").model_dump(mode="json"), "preset": "smoke"}, RunSettings(preset="smoke")),
    ],
)
def test_a_preset_brings_the_values_that_are_not_given(
    prefect_api: str, home: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, object], wanted: RunSettings
) -> None:
    """As where a deployment is started with parameters of one's own, which never met `make_settings`."""
    seen: list[RunSettings] = []

    def run(settings: RunSettings) -> None:
        seen.append(settings)
        raise DataError("Seen.", "No more is wanted.")

    monkeypatch.setattr(experiments, "run_split", run)
    with pytest.raises(DataError, match="Seen"):
        experiment(RunSettings.model_validate(given))
    assert seen == [wanted]
