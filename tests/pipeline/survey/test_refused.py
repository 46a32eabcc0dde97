from __future__ import annotations

from pathlib import Path

import pytest

from models.bundle import CARD, read_card
from models.errors import BundleError, DataError, UsageError
from pipeline.storage.records import read_table
from pipeline.survey import chunk as chunk_module
from pipeline.survey import loaded as loaded_module
from pipeline.survey.layout import PLAN, surveys_folder
from pipeline.survey.plan import find_unfinished
from pipeline.survey.settings import SurveySettings
from tests.pipeline.survey.conftest import make_bundle, make_photographs
from tests.pipeline.survey.interrupted import interrupted, settings_for
from tests.pipeline.survey.one_process import run_survey


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"overlays": True}, "overlays was False"),
        ({"photos": "elsewhere"}, "photos was"),
        ({"bundle": 2}, "another bundle"),
    ],
)
def test_other_settings_are_refused_until_it_is_abandoned(
    tmp_path: Path, bundle: Path, photographs: Path, change: dict[str, object], named: str
) -> None:
    settings = settings_for(photographs, bundle, tmp_path / "out")
    interrupted(settings)
    if "bundle" in change:
        change = {"bundle": make_bundle(tmp_path / "other", seed=2)}
    if "photos" in change:
        change = {"photos": str(make_photographs(tmp_path / "elsewhere", 3))}
    changed = settings.model_copy(update=change)
    with pytest.raises(UsageError, match=named) as told:
        run_survey(changed)
    assert "--abandon" in told.value.remedy
    row = run_survey(changed, abandon=True)
    assert row is not None
    assert len(read_table("runs", settings.target)) == 1
    assert len(list((settings.target / "masks").iterdir())) == 1


def test_an_altered_work_list_is_refused(tmp_path: Path, bundle: Path, photographs: Path) -> None:
    settings = settings_for(photographs, bundle, tmp_path / "out")
    interrupted(settings)
    unfinished = find_unfinished(settings.target)
    assert unfinished is not None
    path = unfinished.work_list / "part-00000.parquet"
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(DataError, match="not as it was written"):
        run_survey(settings)


def test_a_bundle_replaced_at_the_end_is_not_taken_for_the_one_that_looked(tmp_path: Path, photographs: Path) -> None:
    bundle = make_bundle(tmp_path / "own")
    settings = settings_for(photographs, bundle, tmp_path / "out")

    def replace(_: object) -> None:
        card = read_card(bundle).model_copy(update={"name": "another", "score_threshold": 0.9})
        (bundle / CARD).write_text(card.model_dump_json())

    row = run_survey(settings, report=replace)
    assert row is not None
    assert row["score_threshold"] == 0.325
    page = Path(row["report"]).read_text()
    assert "another" not in page
    assert "0.325" in page


def test_a_changed_bundle_is_refused_in_the_middle(tmp_path: Path, photographs: Path) -> None:
    bundle = make_bundle(tmp_path / "own")
    settings = settings_for(photographs, bundle, tmp_path / "out")
    interrupted(settings)
    unfinished = find_unfinished(settings.target)
    assert unfinished is not None
    make_bundle(bundle, seed=3)
    loaded_module._loaded.clear()  # as in a new process
    with pytest.raises(BundleError, match="not the bundle"):
        chunk_module.process_chunk(unfinished.folder, 3)


@pytest.mark.parametrize("name", ["photos", "out", "bundle", "root", "camera", "track"])
def test_an_empty_path_is_not_the_folder_one_stands_in(tmp_path: Path, bundle: Path, name: str) -> None:
    given: dict[str, object] = {"photos": str(tmp_path), "bundle": str(bundle), "out": str(tmp_path / "out")}
    given |= {"road": {name: ""}} if name in ("camera", "track") else {name: " "}
    with pytest.raises(UsageError, match="PHOTOS is empty" if name == "photos" else f"--{name} is empty"):
        SurveySettings.model_validate(given)


@pytest.mark.parametrize("name", ["out", "bundle"])
def test_an_address_makes_no_folder_of_its_name_here(name: str) -> None:
    """As a path, s3://bucket/out is the folder out in a folder s3: of where one stands."""
    with pytest.raises(UsageError, match=f"--{name} is an address") as told:
        SurveySettings.model_validate({"photos": "photographs", name: "s3://KEY:SECRET@bucket/out"})
    assert "SECRET" not in str(told.value)
    settings = SurveySettings.model_validate({"photos": "photographs", name: "file:///mnt/roads"})
    assert getattr(settings, name) == Path("/mnt/roads")


def test_a_damaged_plan_of_what_is_recorded_stands_in_nobodys_way(
    tmp_path: Path, bundle: Path, photographs: Path
) -> None:
    settings = settings_for(photographs, bundle, tmp_path / "out")
    row = run_survey(settings)
    assert row is not None
    (surveys_folder(settings.target) / row["run_id"] / PLAN).write_text("{")
    make_photographs(photographs, 13)
    assert run_survey(settings) is not None
