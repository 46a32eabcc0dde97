import pytest

from models.errors import DataError
from pipeline.storage.atomic import write_whole


def test_a_failing_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "figures.json"
    path.write_text("old")

    def half(temporary):
        temporary.write_text("ne")
        raise OSError(28, "No space left on device")

    with pytest.raises(DataError, match="No space left") as caught:
        write_whole(path, half)
    assert "Free some space" in caught.value.remedy
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_it_replaces_and_makes_folders(tmp_path):
    path = tmp_path / "deep" / "down.txt"
    for text in ("one", "two"):
        assert write_whole(path, lambda temporary, text=text: temporary.write_text(text)).read_text() == text
    assert [p.name for p in path.parent.iterdir()] == ["down.txt"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="file/below"):
        write_whole(tmp_path / "file" / "below", lambda temporary: temporary.write_text(""))


def test_two_that_write_one_file_do_not_meet(tmp_path):
    """As on a shared disk: processes of two containers have the same number."""
    path = tmp_path / "chunk.parquet"

    def first(temporary):
        temporary.write_text("one")
        write_whole(path, lambda other: other.write_text("two"))

    write_whole(path, first)
    assert path.read_text() == "one"
    assert list(tmp_path.iterdir()) == [path]
