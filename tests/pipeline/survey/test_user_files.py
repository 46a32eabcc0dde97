"""Nothing of the user's goes or changes, wherever the output lies; no output is ever an input."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from models.errors import DataError
from pipeline.storage.records import new_run_id, read_table
from pipeline.survey.layout import surveys_folder
from pipeline.survey.listing.folders import OUTPUT
from pipeline.survey.listing.sources import open_source
from pipeline.survey.marks import MARK, in_output, marked_run, put_mark, remove_marked
from pipeline.survey.plan import find_unfinished
from pipeline.survey.settings import SurveySettings
from tests.pipeline.survey.conftest import make_photographs
from tests.pipeline.survey.one_process import run_survey

FOLDERS = ("survey", "records", "masks", "overlays", "chunks", "reports", "records/images", "20260101T000000-abcdef")
OUTS = (
    ".",
    "out",
    "survey",
    "masks",
    "records",
    "20260101T000000-abcdef",
    "..",
    "../beside",
    "../link",
    "../link/masks",
)
"""Where the output lies, seen from the photographs: equal, inside, above, beside, by a link."""

PHOTOGRAPHS = len(FOLDERS) + 1


def make_tree(base: Path) -> Path:
    """Photographs in folders of the very names that a survey uses, among files of the user's."""
    photos = make_photographs(base / "photos", 1)
    for number, name in enumerate(FOLDERS):
        make_photographs(photos / name / "2026-05-01", 1, seed=number + 1)
        (photos / name / "notes.txt").write_text(name)
    for folder in (photos, base):
        (folder / "survey").mkdir(exist_ok=True)
        (folder / "survey" / "lock").write_text("a padlock")
        (folder / "report.html").write_text("mine")
    (photos / "masks" / "2026-05-01" / "p000.jpg.png").write_text("mine")
    (base / "link").symlink_to(photos, target_is_directory=True)
    (photos / "chunks" / "notes").symlink_to("notes.txt")
    return photos


def snapshot(base: Path) -> dict[str, bytes | str | None]:
    """Every file, link and folder with what it holds."""
    return {
        str(path.relative_to(base)): str(path.readlink())
        if path.is_symlink()
        else path.read_bytes()
        if path.is_file()
        else None
        for path in base.rglob("*")
    }


def assert_only_additions(before: dict[str, bytes | str | None], base: Path) -> None:
    after = snapshot(base)
    assert {name: content for name, content in after.items() if name in before} == before


def stop_after_one(settings: SurveySettings) -> None:
    def stop(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_survey(settings, report=stop)


@pytest.mark.slow
@pytest.mark.timeout(600)
@given(out=st.sampled_from(OUTS), again=st.lists(st.sampled_from(["all", "abandon", "parent"]), min_size=1, max_size=2))
@hypothesis_settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
def test_only_additions(tmp_path_factory: pytest.TempPathFactory, bundle: Path, out: str, again: list[str]) -> None:
    base = tmp_path_factory.mktemp("relation")
    photos = make_tree(base)
    before = snapshot(base)
    first = SurveySettings(
        photos=str(photos), bundle=bundle, out=photos / out, chunk=4, device="cpu", overlays=True, incremental=False
    )
    row = run_survey(first)
    assert row is not None
    # The user's own mask, put among the photographs, is no picture, and told of as that.
    assert (row["images"], row["failures"]) == (PHOTOGRAPHS, 1)
    assert_only_additions(before, base)
    for kind in again:
        if kind == "abandon":
            stop_after_one(first)
            assert run_survey(first, abandon=True) is not None
        elif kind == "parent":  # `survey day1`, then `survey .`: outputs of the first lie among what is listed
            row = run_survey(first.model_copy(update={"photos": str(base), "out": base / "another"}))
            assert row is not None
            assert (row["images"], row["failures"]) == (PHOTOGRAPHS, 2)  # the link to the photographs is told of
        else:
            row = run_survey(first)
            assert row is not None
            assert row["photographs"] == PHOTOGRAPHS + 1
        assert_only_additions(before, base)


def test_a_linked_output_folder_is_filled_and_not_replaced(tmp_path: Path, bundle: Path, photographs: Path) -> None:
    out, elsewhere = tmp_path / "out", make_photographs(tmp_path / "elsewhere", 2)
    out.mkdir()
    (out / "masks").symlink_to(elsewhere)
    before = snapshot(tmp_path)
    assert run_survey(SurveySettings(photos=str(photographs), bundle=bundle, out=out, device="cpu")) is not None
    assert_only_additions(before, tmp_path)


def test_outputs_are_passed_over_and_told(tmp_path: Path, bundle: Path, photographs: Path) -> None:
    settings = SurveySettings(photos=str(photographs), bundle=bundle, out=photographs, device="cpu", overlays=True)
    assert run_survey(settings) is not None
    source = open_source(settings)
    assert [photograph.name for photograph in source.photographs()] == [f"p{n:03d}.jpg" for n in range(12)]
    assert source.passed_over[OUTPUT] >= 3  # masks, overlays, the survey's own folder
    copied = shutil.copytree(photographs / "masks", tmp_path / "copied" / "day1")
    for photos in (copied, next(photographs.glob("masks/*")), photographs / "overlays"):
        with pytest.raises(DataError, match=f"passed over: 1 {OUTPUT}"):
            run_survey(settings.model_copy(update={"photos": str(photos), "out": tmp_path / "out"}))
    row = run_survey(
        settings.model_copy(update={"photos": str(next(photographs.glob("masks/*/*.png"))), "out": tmp_path / "one"})
    )
    assert row is not None
    assert read_table("failures", tmp_path / "one")["kind"].tolist() == ["output of a survey"]


def test_what_an_earlier_version_made_is_no_input_and_goes_on_nowhere(
    tmp_path: Path, bundle: Path, photographs: Path
) -> None:
    settings = SurveySettings(photos=str(photographs), bundle=bundle, out=photographs, device="cpu")
    run = new_run_id()
    for folder in ("survey", "masks"):
        make_photographs(photographs / folder / run, 1)
    (photographs / "survey" / run / "plan.json").write_text("{}")
    assert len(list(open_source(settings).photographs())) == 12
    with pytest.raises(DataError, match="earlier version") as told:
        run_survey(settings)
    assert "move" in told.value.remedy
    assert (photographs / "survey" / run / "p000.jpg").is_file()


def test_a_folder_of_the_users_in_the_place_of_ours_is_left_alone(
    tmp_path: Path, bundle: Path, photographs: Path
) -> None:
    settings = SurveySettings(photos=str(photographs), bundle=bundle, out=tmp_path / "out", device="cpu")
    surveys_folder(settings.target).mkdir(parents=True)
    (surveys_folder(settings.target) / "diary.txt").write_text("dear diary")
    with pytest.raises(DataError, match="not of this program's making"):
        run_survey(settings)


@pytest.mark.parametrize("name", ["masks", "records", "records/runs", "records/cracks", "geo", "reports"])
def test_a_file_of_the_users_in_the_place_of_a_folder_is_told_before_anything_is_made(
    tmp_path: Path, bundle: Path, photographs: Path, name: str
) -> None:
    out = tmp_path / "out"
    (out / name).parent.mkdir(parents=True)
    (out / name).write_text("mine")
    before = sorted(out.rglob("*"))
    with pytest.raises(DataError, match=f"{name} is a file"):
        run_survey(SurveySettings(photos=str(photographs), bundle=bundle, out=out, device="cpu"))
    assert sorted(out.rglob("*")) == before


def test_only_what_is_marked_and_named_after_its_run_is_removed(tmp_path: Path) -> None:
    run, other = new_run_id(), new_run_id()
    for name in (run, f"run_id={run}", "masks", other):
        put_mark(tmp_path / name, run)
    (tmp_path / run / "mask.png").write_bytes(b"x")
    outside = make_photographs(tmp_path / "outside", 1)
    (tmp_path / run / "link").symlink_to(outside)
    for name in (run, f"run_id={run}", "masks", other, "outside"):
        remove_marked(tmp_path / name, run)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["masks", other, "outside"])
    assert (outside / "p000.jpg").is_file()
    assert marked_run(tmp_path / "masks") == run
    assert in_output(tmp_path / "masks" / "deeper" / "down")
    assert not in_output(outside)


def test_a_drop_that_is_cut_off_is_made_up_for(
    tmp_path: Path, bundle: Path, photographs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = SurveySettings(photos=str(photographs), bundle=bundle, out=tmp_path / "out", chunk=5, device="cpu")
    stop_after_one(settings)
    begun = next((settings.target / "masks").iterdir())
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.survey.marks.shutil.rmtree", lambda _: 1 / 0)
        patch.setattr("pathlib.Path.rmdir", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run_survey(settings, abandon=True)
    assert find_unfinished(settings.target) is None
    row = run_survey(settings)
    assert row is not None
    assert row["run_id"] != begun.name
    assert [path.name for path in (settings.target / "masks").iterdir() if (path / MARK).exists()] == [row["run_id"]]
