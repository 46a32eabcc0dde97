from __future__ import annotations

from pathlib import Path

import pytest

from models.errors import DataError, UsageError
from pipeline.datasets import READERS, open_dataset
from pipeline.datasets.layout import recognise
from pipeline.settings import DatasetSettings

from .conftest import save

KEYS = ("crackforest", "deepcrack", "dnit", "folder")


@pytest.fixture
def roots(request: pytest.FixtureRequest) -> dict[str, Path]:
    return {key: request.getfixturevalue(f"make_{key}")() for key in KEYS}


def test_every_layout_is_recognised_and_opened(roots: dict[str, Path]) -> None:
    for key, root in roots.items():
        assert recognise(root) == key
        assert open_dataset(DatasetSettings(name=key, root=root)).key == key


def test_nothing_is_recognised_elsewhere(tmp_path: Path) -> None:
    assert recognise(tmp_path) is None
    assert recognise(tmp_path / "none") is None
    save(tmp_path / "photo.jpg")
    assert recognise(tmp_path / "photo.jpg") is None


def test_another_data_set_is_named(roots: dict[str, Path]) -> None:
    for key in KEYS:
        for other in KEYS:
            if other != key:
                with pytest.raises(DataError) as error:
                    READERS[key](roots[other])
                assert f"--dataset {other}" in error.value.remedy


def test_one_folder_too_high(roots: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        READERS["crackforest"](tmp_path)
    assert str(roots["crackforest"]) in error.value.remedy


@pytest.mark.parametrize("key", KEYS)
def test_missing_folder_file_and_empty_folder(key: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        READERS[key](tmp_path / "none")
    save(tmp_path / "photo.jpg")
    with pytest.raises(DataError, match="is a file"):
        READERS[key](tmp_path / "photo.jpg")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="found an empty folder"):
        READERS[key](tmp_path / "empty")


def test_crackforest_tells_how_to_fetch(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="data fetch crackforest"):
        READERS["crackforest"](tmp_path)
    with pytest.raises(UsageError, match="data fetch crackforest"):
        open_dataset(DatasetSettings(name="crackforest"))


@pytest.mark.parametrize("key", KEYS)
def test_root_is_needed(key: str) -> None:
    with pytest.raises(UsageError, match="--root"):
        open_dataset(DatasetSettings(name=key))


def test_sample_takes_no_root(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no root"):
        open_dataset(DatasetSettings(root=tmp_path))
    assert len(open_dataset(DatasetSettings(sample_count=6))) == 6
