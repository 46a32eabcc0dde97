"""What stands in the way of folders to be made is told before any work."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.errors import DataError
from pipeline.storage.room import EXPERIMENT, check_home


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
