"""Folder, glob, manifest, single file and address: which photographs they are, in which order."""

from __future__ import annotations

import functools
import http.server
import os
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from models.errors import DataError, UsageError
from pipeline.storage.records import read_table
from pipeline.survey.listing.folders import by_pattern
from pipeline.survey.listing.photographs import Photograph, Refused
from pipeline.survey.listing.remote import WEAK, stamp_of
from pipeline.survey.listing.sources import open_source
from pipeline.survey.settings import SurveySettings
from tests.pipeline.survey.conftest import make_photographs
from tests.pipeline.survey.one_process import run_survey


def listed(photos: object, **more: object) -> list[Photograph]:
    given = {"photos": str(photos), "bundle": "unused", "out": "/nonexistent/out", **more}
    return list(open_source(SurveySettings.model_validate(given)).photographs())


def names(photos: object, **more: object) -> list[str]:
    return [photograph.name for photograph in listed(photos, **more)]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Files that need no content to be listed."""
    root = tmp_path / "roads"
    for name in ("b/2.jpg", "b/1.JPG", "b/deep/3.png", "a.tiff", "c.jpg", "notes.txt", ".hidden.jpg", "b/.trash/9.jpg"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    return root


def test_a_folder_by_name_files_first(tree: Path) -> None:
    assert names(tree) == ["a.tiff", "c.jpg", "b/1.JPG", "b/2.jpg", "b/deep/3.png"]
    assert all(photograph.stamp.startswith("0-") for photograph in listed(tree))


def test_photographs_in_the_output_folder_are_photographs(tree: Path) -> None:
    assert names(tree, out=tree / "b") == names(tree)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.jpg", ["c.jpg"]),
        ("**/*.jpg", ["c.jpg", "b/2.jpg"]),
        ("b/*", ["b/1.JPG", "b/2.jpg"]),
        ("b/[12].*", ["b/1.JPG", "b/2.jpg"]),
        ("b/[!1].*", ["b/2.jpg"]),
        ("?.jpg", ["c.jpg"]),
        ("*.txt", ["notes.txt"]),
        ("b/**", ["b/1.JPG", "b/2.jpg", "b/deep/3.png"]),
    ],
)
def test_a_glob(tree: Path, pattern: str, expected: list[str]) -> None:
    found = names(tree / pattern)
    assert [name if pattern.startswith("b/") is False else f"b/{name}" for name in found] == expected


def test_a_folder_whose_name_looks_like_a_glob(tmp_path: Path) -> None:
    make_photographs(tmp_path / "A7 [north]", 2)
    assert names(tmp_path / "A7 [north]") == ["p000.jpg", "p001.jpg"]


def test_a_glob_below_a_folder_whose_name_looks_like_one(tmp_path: Path) -> None:
    make_photographs(tmp_path / "A7 [2026]", 2)
    make_photographs(tmp_path / "A7 2", 1)
    assert names(tmp_path / "A7 [2026]" / "*.jpg") == ["p000.jpg", "p001.jpg"]
    assert names(tmp_path / "A7 [12]" / "*.jpg") == ["A7 2/p000.jpg"]


def test_a_glob_that_cannot_be_read_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        by_pattern("[z-a].jpg")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("sign", ["[", "&", "~", "|", "-", "^"])
def test_signs_in_the_brackets_of_a_glob_stand_for_themselves(sign: str) -> None:
    wanted = by_pattern(f"[{sign}{sign}]1.jpg")
    assert wanted(f"{sign}1.jpg")
    assert not wanted("a1.jpg")


def test_one_photograph(tree: Path) -> None:
    assert names(tree / "c.jpg") == ["c.jpg"]


@pytest.mark.parametrize("photos", [".", "*.jpg", "c.jpg"])
def test_a_root_where_there_is_no_list_is_refused(tree: Path, photos: str) -> None:
    with pytest.raises(UsageError, match=r"--root /roads does nothing: .* no list"):
        names(tree / photos, root="/roads")


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        names(tmp_path / "nowhere")
    with pytest.raises(DataError, match="no folder"):
        names(tmp_path / "nowhere" / "*.jpg")


def test_a_linked_folder_is_followed_only_where_it_may_leave(tree: Path, tmp_path: Path) -> None:
    make_photographs(tmp_path / "other", 1)
    (tree / "linked").symlink_to(tmp_path / "other")
    (tmp_path / "other" / "back").symlink_to(tree)
    refused = [photograph for photograph in listed(tree) if photograph.failure]
    assert [(photograph.name, photograph.failure.kind) for photograph in refused if photograph.failure] == [
        ("linked", "outside")
    ]
    followed = names(tree, allow_outside=True)
    assert "linked/p000.jpg" in followed
    assert len(followed) == len(set(followed)) == 7  # and a row for the way back


def test_outside_photographs_are_read_where_allowed(tree: Path, tmp_path: Path, bundle: Path) -> None:
    photos = make_photographs(tmp_path / "other", 1)
    (tmp_path / "roads" / "manifest.csv").write_text("path\n../other/p000.jpg\n")
    settings = SurveySettings(
        photos=str(tree / "manifest.csv"), bundle=bundle, out=tmp_path / "out", allow_outside=True, device="cpu"
    )
    row = run_survey(settings)
    assert row is not None
    assert row["images"] == 1
    image = read_table("images", tmp_path / "out").iloc[0]
    assert image["path"] == str(photos / "p000.jpg")
    assert image["mask"].split("/")[2] == "hashed"


@pytest.fixture
def archive(photographs: Path) -> Path:
    """A ZIP archive with two photographs in a folder and one beside it."""
    path = photographs.parent / "card.zip"
    with zipfile.ZipFile(path, "w") as made:
        for name, number in (("DCIM/1.jpg", 0), ("DCIM/2.jpg", 1), ("3.jpg", 2)):
            made.write(photographs / f"p{number:03d}.jpg", name)
    return path


def test_an_archive(archive: Path, tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(archive.parent)
    assert names("zip://DCIM/*.jpg::card.zip") == names(f"zip://DCIM::file://{archive}") == ["1.jpg", "2.jpg"]
    assert names("zip://*.jpg::card.zip") == names("zip://3.jpg::card.zip") == ["3.jpg"]
    assert names(f"zip://::{archive}") == ["3.jpg", "DCIM/1.jpg", "DCIM/2.jpg"]
    archive.with_name("card [1].zip").hardlink_to(archive)
    assert names("zip://DCIM::card [1].zip") == names("zip://DCIM/*.jpg::card [1].zip") == ["1.jpg", "2.jpg"]
    with pytest.raises(DataError, match=r"zip://DCIM::\S*card\*\.zip cannot be opened: \S+ is not there"):
        names("zip://DCIM::card*.zip")
    settings = SurveySettings(photos="zip://DCIM/*.jpg::card.zip", bundle=bundle, out=tmp_path / "out", device="cpu")
    row = run_survey(settings)
    assert row is not None
    assert (row["images"], row["failures"]) == (2, 0)
    assert read_table("images", tmp_path / "out")["path"].tolist() == [f"zip://DCIM/{n}.jpg::{archive}" for n in (1, 2)]
    monkeypatch.chdir(tmp_path)
    assert run_survey(settings) is None


@pytest.mark.parametrize("make", [lambda path: path.write_bytes(b"no archive"), os.mkfifo, lambda path: None])
def test_what_is_no_archive_is_told(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "card.zip")
    with pytest.raises(DataError, match=r"card\.zip"):
        names(f"zip://*.jpg::{tmp_path / 'card.zip'}")


def test_an_address_of_this_machine_is_a_plain_path(tree: Path, tmp_path: Path) -> None:
    os.mkfifo(tree / "pipe.jpg")
    (tree / "secret.jpg").symlink_to(tmp_path / "secret.txt")
    (tmp_path / "secret.txt").write_text("secret")
    for address in (f"file://{tree}", f"local://{tree}"):
        source = open_source(SurveySettings(photos=address, bundle=Path("b"), out=tmp_path / "out"))
        assert names(address) == names(tree)
        for name, kind in (("pipe.jpg", "not a file"), ("secret.jpg", "outside")):
            with pytest.raises(Refused) as told:
                source.store.read(name, 1000)
            assert told.value.failure.kind == kind
    assert names(f"file://{tree}/b/*.jpg") == ["2.jpg"]
    cached = open_source(SurveySettings(photos=f"simplecache::file://{tree}", bundle=Path("b"), out=tmp_path / "out"))
    with pytest.raises(Refused, match="pipe"):
        cached.store.read("pipe.jpg", 1000)


def test_home_is_expanded(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert names("~/roads") == names(tree)
    given = SurveySettings(photos="~/roads", bundle=Path("~/b"), out=Path("~/out"), root="~/roads")
    assert (given.bundle, given.target, given.root) == (tmp_path / "b", tmp_path / "out", str(tree))


def test_a_stamp_of_the_size_alone_proves_nothing() -> None:
    assert stamp_of({"size": 5}).endswith(WEAK)
    assert not stamp_of({"size": 5, "CRC": 7}).endswith(WEAK)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(photographs: Path) -> Iterator[str]:
    """The photographs behind a web server of this machine."""
    pytest.importorskip("aiohttp", reason="fsspec needs aiohttp for http://")
    handler = functools.partial(Quiet, directory=str(photographs.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{made.server_port}/photographs"
        made.shutdown()


def test_a_server(server: str, photographs: Path, tmp_path: Path, bundle: Path) -> None:
    (photographs / "bad.jpg").write_bytes(b"no picture")
    row = run_survey(SurveySettings(photos=server, bundle=bundle, out=tmp_path / "far", device="cpu"))
    near = run_survey(SurveySettings(photos=str(photographs), bundle=bundle, out=tmp_path / "near", device="cpu"))
    assert row is not None
    assert near is not None
    assert (row["images"], row["failures"]) == (near["images"], near["failures"]) == (12, 1)
    same = ["name", "content_sha256", "boxes", "crack_px"]
    pd.testing.assert_frame_equal(
        read_table("images", tmp_path / "far")[same], read_table("images", tmp_path / "near")[same]
    )


def test_a_glob_looks_into_no_folder_that_it_does_not_lead_to(tree: Path, tmp_path: Path) -> None:
    """A link out of the root is told of where photographs may be missed by it, and nowhere else."""
    (tree / "elsewhere").symlink_to(tmp_path)
    assert names(tree / "*.jpg") == ["c.jpg"]
    assert names(tree / "b" / "*.png") == []
    assert names(tree / "b*" / "*.jpg") == ["b/2.jpg"]
    assert names(tree / "e*" / "*.jpg") == ["elsewhere"]
    assert [one.failure.kind for one in listed(tree / "**" / "*.png") if one.failure] == ["link loop"]
