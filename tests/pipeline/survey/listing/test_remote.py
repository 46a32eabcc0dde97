from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from models.errors import DataError, UsageError
from pipeline.storage.records import read_table
from pipeline.survey.listing import remote
from pipeline.survey.listing.photographs import Photograph, Refused
from pipeline.survey.listing.remote import RemoteStore
from pipeline.survey.listing.sources import open_source
from pipeline.survey.settings import SurveySettings
from tests.pipeline.survey.one_process import run_survey


def listed(photos: object, **more: object) -> list[Photograph]:
    given = {"photos": str(photos), "bundle": "unused", "out": "/nonexistent/out", **more}
    return list(open_source(SurveySettings.model_validate(given)).photographs())


def names(photos: object, **more: object) -> list[str]:
    return [photograph.name for photograph in listed(photos, **more)]


@pytest.fixture
def memory() -> Iterator[str]:
    """Three photographs at ``memory://roads``."""
    fs = fsspec.filesystem("memory")
    yield "memory://roads"
    fs.store.clear()
    fs.pseudo_dirs[:] = [""]


def upload(photographs: Path, address: str) -> None:
    fs = fsspec.filesystem("memory")
    for number, path in enumerate(sorted(photographs.glob("*.jpg"))[:3]):
        fs.pipe(f"{address.removeprefix('memory:/')}/{'deep/' * number}{path.name}", path.read_bytes())


def test_an_address(memory: str, photographs: Path, tmp_path: Path, bundle: Path) -> None:
    upload(photographs, memory)
    fs = fsspec.filesystem("memory")
    fs.pipe("/roads/empty.jpg", b"")
    fs.pipe("/roads/notes.txt", b"x")
    settings = SurveySettings(photos=memory, bundle=bundle, out=tmp_path / "out", device="cpu")
    row = run_survey(settings)
    assert row is not None
    assert (row["images"], row["failures"]) == (3, 1)
    images = read_table("images", tmp_path / "out")
    assert list(images["name"]) == ["p000.jpg", "deep/p001.jpg", "deep/deep/p002.jpg"]
    assert images["path"].iloc[0] == "memory://roads/p000.jpg"
    assert read_table("failures", tmp_path / "out").iloc[0]["kind"] == "empty"
    assert run_survey(settings) is None
    fs.pipe("/roads/p000.jpg", (photographs / "p007.jpg").read_bytes())
    again = run_survey(settings)
    assert again is not None
    assert again["photographs"] == 1


def test_a_glob_and_a_manifest_at_an_address(memory: str, photographs: Path) -> None:
    upload(photographs, memory)
    fsspec.filesystem("memory").pipe("/roads/list.csv", b"path,chainage\ndeep/p001.jpg,5\n/elsewhere/x.jpg,6\n")
    assert names(f"{memory}/deep/*.jpg") == ["p001.jpg"]
    inside, outside = listed(f"{memory}/list.csv")
    assert (inside.name, inside.chainage_m, bool(inside.stamp)) == ("deep/p001.jpg", 5.0, True)
    assert outside.failure is not None
    assert outside.failure.kind == "outside"
    assert names(f"{memory}/p000.jpg") == ["p000.jpg"]


def test_an_address_that_is_not_there(memory: str) -> None:
    with pytest.raises(DataError, match="does not exist"):
        names("memory://nowhere")
    with pytest.raises(UsageError, match="xyz"):
        names("xyz://bucket")


def test_a_remote_root_that_goes_away_is_no_failure_of_a_photograph(
    memory: str, photographs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "PAUSE_S", 0)
    upload(photographs, memory)
    store = RemoteStore.open(memory)
    with pytest.raises(Refused, match="no longer"):
        store.read("gone.jpg", 100)
    with pytest.raises(Refused, match="more than"):
        store.read("p000.jpg", 100)
    fsspec.filesystem("memory").rm("/roads", recursive=True)
    with pytest.raises(DataError, match="cannot be reached any more"):
        store.read("p000.jpg", 100_000)


def test_a_server_that_stumbles_is_asked_again(memory: str, photographs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "PAUSE_S", 0)
    upload(photographs, memory)
    store = RemoteStore.open(memory)
    answer, asked = store.fs.cat_file, []

    def stumble(path: str) -> bytes:
        asked.append(path)
        if len(asked) < 3:
            raise ConnectionResetError("try again")
        content: bytes = answer(path)
        return content

    monkeypatch.setattr(type(store.fs), "cat_file", lambda _, path: stumble(path))
    assert store.read("p000.jpg", 100_000) == (photographs / "p000.jpg").read_bytes()
