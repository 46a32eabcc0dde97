from pathlib import Path

import pytest

from models.errors import DataError
from pipeline.labels.appearing import appearing


@pytest.mark.parametrize("there", [False, True])
def test_all_is_there_at_once(tmp_path, there):
    folder = tmp_path / "a" / "b"
    if there:
        folder.mkdir(parents=True)
    with appearing(folder) as inside:
        (inside / "file").write_text("whole")
        assert not (folder / "file").exists()
    assert (folder / "file").read_text() == "whole"
    assert [path.name for path in folder.parent.iterdir()] == ["b"]


def half(folder):
    with appearing(folder) as inside:
        (inside / "file").write_text("half")
        raise KeyError


def test_a_failure_leaves_nothing(tmp_path):
    with pytest.raises(KeyError):
        half(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("is_file", [False, True])
def test_what_is_there_stays(tmp_path, is_file):
    folder = tmp_path / "a"
    if is_file:
        folder.write_text("mine")
    else:
        folder.mkdir()
        (folder / "mine").write_text("mine")
    with pytest.raises(DataError, match=r"a is in use already"), appearing(folder):
        raise AssertionError
    assert [path.name for path in tmp_path.rglob("*")] == (["a"] if is_file else ["a", "mine"])


def test_where_nothing_may_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="Cannot write"), appearing(tmp_path / "file" / "a"):
        raise AssertionError


def test_the_whole_disk_is_in_use():
    with pytest.raises(DataError, match="/ is in use already"), appearing(Path("/")):
        raise AssertionError


def test_a_link_that_leads_to_itself_is_told(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "a")
    with pytest.raises(DataError, match="Cannot write"), appearing(tmp_path / "a"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
