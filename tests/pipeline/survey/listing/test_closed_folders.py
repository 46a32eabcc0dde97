"""Folders that may not be listed or entered: each is told of with the remedy that fits, and the rest is surveyed."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.errors import DataError
from pipeline.storage.records import read_table
from pipeline.survey.listing.sources import Source, open_source
from pipeline.survey.marks import in_output, is_output
from pipeline.survey.settings import SurveySettings
from tests.closed import close
from tests.pipeline.survey.conftest import make_photographs
from tests.pipeline.survey.one_process import run_survey

RIGHTS = "Check the path and its rights."


def source_of(photos: Path, root: Path | None = None) -> Source:
    return open_source(
        SurveySettings(photos=str(photos), bundle=Path("b"), out=Path("/nonexistent/out"), root=root and str(root))
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Files that need no content to be listed."""
    root = tmp_path / "roads"
    for name in ("1.jpg", ".Trash-1001/9.jpg", "closed/2.jpg", "open/3.jpg"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    return root


@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize("pattern", ["", "**/*.jpg"])
def test_the_rest_is_listed(tree: Path, monkeypatch: pytest.MonkeyPatch, pattern: str, listed: bool) -> None:
    close(monkeypatch, tree / ".Trash-1001", listed)
    close(monkeypatch, tree / "closed", listed)
    source = source_of(tree / pattern)
    found = list(source.photographs())
    assert [photograph.name for photograph in found] == ["1.jpg", "closed", "open/3.jpg"]
    (failure,) = [photograph.failure for photograph in found if photograph.failure is not None]
    assert failure[:2] == ("list", "unreadable folder")
    assert "Permission denied. What lies in it was not surveyed." in failure.message
    assert dict(source.passed_over) == {"hidden": 1}


def test_no_mark_is_seen_where_none_may_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "masks" / "20260101T000000-abcdef"
    close(monkeypatch, tmp_path / "masks")
    close(monkeypatch, tmp_path / "survey")  # where surveys before there were marks left their plan
    assert not is_output(tmp_path / "masks")
    assert not is_output(run)
    assert not in_output(run)


@pytest.mark.parametrize("listed", [False, True])
def test_a_closed_root_is_told_as_such(tree: Path, monkeypatch: pytest.MonkeyPatch, listed: bool) -> None:
    close(monkeypatch, tree, listed)
    with pytest.raises(DataError, match=f"{tree} cannot be read: Permission denied") as told:
        list(source_of(tree).photographs())
    assert told.value.remedy == RIGHTS


@pytest.mark.parametrize("name", ["list.csv", "2.jpg", "deep", "*.jpg", "deep/**/*.jpg"])
def test_what_is_named_in_a_closed_folder_is_told(tree: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (tree / "closed" / "list.csv").write_text("path\n2.jpg\n")
    close(monkeypatch, tree / "closed")
    with pytest.raises(DataError) as told:
        list(source_of(tree / "closed" / name).photographs())
    assert told.value.problem == f"{tree / 'closed' / name} cannot be read: Permission denied."
    assert told.value.remedy == RIGHTS


def test_a_closed_list_and_a_closed_root_of_one_are_told(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree / "list.csv").write_text("path\n1.jpg\n")
    close(monkeypatch, tree / "closed")
    with pytest.raises(DataError) as told:
        source_of(tree / "list.csv", root=tree / "closed" / "deep")
    assert told.value.problem == f"{tree / 'closed' / 'deep'} cannot be read: Permission denied."
    assert told.value.remedy == RIGHTS
    close(monkeypatch, tree / "list.csv")
    with pytest.raises(DataError, match=r"list\.csv cannot be read: Permission denied") as told:
        list(source_of(tree / "list.csv").photographs())
    assert told.value.remedy == RIGHTS


def test_a_line_into_a_closed_folder_names_that_folder(
    tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = make_photographs(tmp_path / "photos", 2)
    closed = make_photographs(photos / "closed" / "deep", 1).parent
    (photos / "list.csv").write_text("path\np000.jpg\np001.jpg\nclosed/deep/p000.jpg\n")
    close(monkeypatch, closed)
    close(monkeypatch, photos / "p001.jpg")
    settings = SurveySettings(photos=str(photos / "list.csv"), bundle=bundle, out=tmp_path / "out", device="cpu")
    row = run_survey(settings)
    assert row is not None
    assert (row["images"], row["failures"]) == (1, 2)
    failed = read_table("failures", tmp_path / "out").set_index("name")
    assert set(failed["kind"]) == {"no permission"}
    assert failed.loc["closed/deep/p000.jpg", "message"].endswith(f"chmod u+rx {str(closed)!r}")
    assert failed.loc["p001.jpg", "message"].endswith("chmod u+r 'p001.jpg'")
