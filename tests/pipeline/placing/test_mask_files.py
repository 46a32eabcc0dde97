"""Which masks a folder, glob or path names, and that none is left out in silence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from models.errors import DataError
from pipeline.datasets.passed_over import DANGLING, HIDDEN, NO_FILE, OTHER
from pipeline.placing.mask_files import LINKED, find_masks
from tests.closed import close


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    """Files that need no content to be found."""
    root = tmp_path / "masks"
    for name in ("b.png", "a/2.PNG", "a/deep/1.tif", "notes.txt", ".kept/c.png", "d.png/e.png", "d.png/.t/f.png"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    (root / "linked").symlink_to(root / "a")
    (root / "gone.png").symlink_to(root / "nowhere")
    return root


def names(given: object) -> list[str]:
    return [name for name, _ in find_masks(str(given)).masks]


def test_a_folder_a_glob_and_a_file(masks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert names(masks) == ["a/2.PNG", "a/deep/1.tif", "b.png", "d.png/e.png"]
    assert names(masks / "b.png") == ["b.png"]
    monkeypatch.chdir(masks)
    assert names("*/*.png") == names("./*/e.png") == ["d.png/e.png"]
    assert names("**/*.png") == ["b.png", "d.png/e.png"]
    assert names("[ab]/**") == ["a/2.PNG", "a/deep/1.tif"]
    with pytest.raises(DataError, match="holds no mask"):
        names("nowhere/**/*.png")


@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize("folder", ["a", "a/deep", ""])
def test_masks_in_a_closed_folder_are_not_left_out(
    masks: Path, monkeypatch: pytest.MonkeyPatch, folder: str, listed: bool
) -> None:
    close(monkeypatch, masks / folder, listed)
    with pytest.raises(DataError) as told:
        names(masks)
    assert told.value.problem == f"The folder {masks / folder} may not be read."
    assert "chmod u+rx" in told.value.remedy


@pytest.mark.parametrize(
    ("folder", "pattern"),
    [
        ("a", "**/*.tif"),
        ("a", "*/deep/1.tif"),
        ("a", "a/*"),
        ("a", "[ab]/**"),
        ("a", "a/deep/*.tif"),
        ("a", "a/deep/1.tif"),
        ("a/deep", "**"),
        ("a/deep", "a/**"),
        ("a/deep", "*/deep/*"),
    ],
)
def test_nor_are_those_of_a_glob_or_a_path(
    masks: Path, monkeypatch: pytest.MonkeyPatch, folder: str, pattern: str
) -> None:
    (masks / "linked").unlink()  # a glob follows it, and would name the folder by that way
    close(monkeypatch, masks / folder)
    with pytest.raises(DataError, match=f"The folder {masks / folder} may not be read"):
        names(masks / pattern)


def test_a_glob_passes_by_folders_that_it_does_not_reach(masks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    close(monkeypatch, masks / "a")
    close(monkeypatch, masks / ".kept")  # hidden: not looked into
    assert names(masks / "*.png") == [str(masks / "b.png")]
    assert names(masks / "d*" / "**" / "*.png") == [str(masks / "d.png" / "e.png")]
    monkeypatch.undo()
    close(monkeypatch, masks / ".kept")
    assert names(masks / "**" / "*.png") == [str(masks / "b.png"), str(masks / "d.png" / "e.png")]


def test_what_is_passed_over_is_told_once_a_kind(masks: Path) -> None:
    for name in ("._b.png", ".DS_Store", "4.gif", "a/5.HEIC", "a/6.gif"):
        (masks / name).write_bytes(b"")
    os.mkfifo(masks / "pipe.png")
    (masks / "gone").symlink_to(masks / "nowhere")
    assert names(masks) == ["a/2.PNG", "a/deep/1.tif", "b.png", "d.png/e.png"]
    assert find_masks(str(masks)).notes == [
        f"{masks / '._b.png'} (2 more like it): {HIDDEN}",
        f"{masks / '4.gif'} (2 more like it): {OTHER}",
        f"{masks / 'gone'} (1 more like it): {DANGLING}",
        f"{masks / 'linked'}: {LINKED}",
        f"{masks / 'pipe.png'}: {NO_FILE}",
    ]
    assert find_masks(f"{masks}/*").notes == [
        f"{masks / '4.gif'}: {OTHER}",
        f"{masks / 'gone'} (1 more like it): {DANGLING}",
        f"{masks / 'pipe.png'}: {NO_FILE}",
    ]


def test_hidden_files_and_folders_that_are_named_are_read(masks: Path) -> None:
    assert names(masks / ".kept") == ["c.png"]
    assert names(masks / ".kept" / "*.png") == [str(masks / ".kept" / "c.png")]
    assert names(masks / ".kept" / "c.png") == ["c.png"]


def test_where_all_is_passed_over_it_is_told_why(tmp_path: Path) -> None:
    (tmp_path / "1.gif").write_bytes(b"")
    with pytest.raises(DataError, match=r"holds no mask \(.*1\.gif: a picture by its name"):
        find_masks(str(tmp_path))


def test_what_does_not_exist_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere does not exist"):
        find_masks(str(tmp_path / "nowhere"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty holds no mask"):
        find_masks(str(tmp_path / "empty"))
