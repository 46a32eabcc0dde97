"""What stands in the way of folders to be made is told before any work."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.errors import DataError, UsageError
from pipeline.storage.room import EXPERIMENT, check_file, check_home
from tests.closed import close


@pytest.mark.parametrize("name", [*EXPERIMENT, "records", "."])
def test_a_file_in_the_place_of_a_folder(tmp_path: Path, name: str) -> None:
    home = tmp_path / "home"
    (home / name).parent.mkdir(parents=True, exist_ok=True)
    (home / name).write_text("mine")
    with pytest.raises(DataError, match="is a file where a folder is needed") as told:
        check_home(home)
    assert str(home / name) in told.value.problem
    assert "CRACK_SURVEY_HOME" in told.value.remedy
    assert (home / name).read_text() == "mine"


def test_a_link_into_nowhere_and_one_to_a_folder(tmp_path: Path) -> None:
    (tmp_path / "records").mkdir()
    (tmp_path / "runs").symlink_to(tmp_path / "records")
    check_home(tmp_path)
    check_home(tmp_path / "not there yet")
    (tmp_path / "stages").symlink_to(tmp_path / "gone")
    with pytest.raises(DataError, match="leads nowhere"):
        check_home(tmp_path)


@pytest.mark.parametrize("name", ["cracks.xlsx", "cracks", ".csv", "csv"])
def test_a_file_of_an_unknown_ending_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=rf"--out .*{name}") as told:
        check_file(tmp_path / name, (".csv", ".parquet"), "--out")
    assert told.value.remedy == "Let its name end in .csv or .parquet."


def test_a_file_that_can_be_written_is_not_refused_and_nothing_is_made(tmp_path: Path) -> None:
    for name in ("a.csv", "b.CSV", "new/folder/c.parquet"):
        check_file(tmp_path / name, (".csv", ".parquet"), "--out")
    check_file(Path("d.csv"), (".csv",), "--out")
    assert not list(tmp_path.iterdir())


def test_what_stands_in_the_way_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match=r"folder\.csv is a folder"):
        check_file(tmp_path / "folder.csv", (".csv",), "--out")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(DataError, match="file is a file where a folder is needed"):
        check_file(tmp_path / "file" / "below" / "a.csv", (".csv",), "--out")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    with pytest.raises(DataError, match="nowhere is a link that leads nowhere"):
        check_file(tmp_path / "nowhere" / "a.csv", (".csv",), "--out")
    close(monkeypatch, tmp_path / "shut")
    (tmp_path / "shut").mkdir()
    with pytest.raises(DataError, match="shut may not be written to"):
        check_file(tmp_path / "shut" / "new" / "a.csv", (".csv",), "--out")
