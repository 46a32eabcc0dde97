"""A lock that cannot be written is told as what it is, with the folder's name."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.errors import DataError
from pipeline.survey.lock import LOCK, hold
from pipeline.survey.marks import ALL_RUNS, put_mark


@pytest.fixture
def nothing_fits(tmp_path: Path) -> Iterator[Path]:
    """A folder that surveys have filled, on a disk that takes no byte more."""
    put_mark(tmp_path, ALL_RUNS)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    yield tmp_path
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_told_with_the_folder(nothing_fits: Path) -> None:
    with pytest.raises(DataError, match=f"Cannot write {nothing_fits}: ") as told, hold(nothing_fits):
        pass
    assert "--out" in told.value.remedy


def test_who_holds_it_stands_in_the_file_alone(tmp_path: Path) -> None:
    for _ in range(2):
        with hold(tmp_path):
            assert (tmp_path / LOCK).read_text(encoding="utf-8").count('"pid"') == 1
