"""A data set or a road left out of a pool: it alone tests, and nothing is learnt of it, its terms included."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from models.errors import DataError, UsageError
from pipeline.datasets import open_dataset
from pipeline.datasets.pool import Pool
from pipeline.datasets.splits import make_split
from pipeline.datasets.windows import LIST, cut_windows
from pipeline.settings import DatasetSettings, PartSettings, WindowSettings, make_settings
from pipeline.stages.terms import check_terms, sources_of
from tests.pipeline.datasets.test_pool import write_folder


def pool_without(tmp_path: Path, leave_out: str | None) -> Pool:
    town = write_folder(tmp_path / "town", seed=1)
    pool = open_dataset(
        DatasetSettings(
            name="pool",
            parts=(
                PartSettings(name="folder", label="town", root=town, licence="research only", mm_per_px=2),
                PartSettings(name="sample", label="made", count=20, mm_per_px=1),
            ),
            leave_out=leave_out,
        )
    )
    assert isinstance(pool, Pool)
    return pool


def test_a_data_set_left_out_tests_whole_and_alone(tmp_path: Path) -> None:
    pool = pool_without(tmp_path, "town/")
    split = make_split(pool, "paper", 1)
    assert len(split.test) == 8
    assert all(name.startswith("town--") for name in split.test)
    assert split.train
    assert split.val
    assert all(name.startswith("made--") for name in split.train + split.val)


def test_a_road_left_out_is_on_no_other_side(tmp_path: Path) -> None:
    pool = pool_without(tmp_path, "made/s01")
    split = make_split(pool, "paper", 1)
    assert split.test == tuple(f"made--s01{digit}" for digit in range(10))
    assert {pool.label_of(name) for name in split.train} == {"made", "town"}
    assert not set(split.test) & {*split.train, *split.val}


def test_scenes_that_were_tested_before_are_not_learnt_now(tmp_path: Path) -> None:
    """Every row of a table over what is left out is of networks that learnt from the same other scenes."""
    whole = make_split(pool_without(tmp_path / "a", None), "paper", 1)
    without = make_split(pool_without(tmp_path / "b", "town/"), "paper", 1)
    assert set(without.train) <= set(whole.train)
    assert set(without.val) <= set(whole.val)


def test_terms_and_scale_are_of_what_is_learnt_from(tmp_path: Path) -> None:
    whole, without = pool_without(tmp_path / "a", None), pool_without(tmp_path / "b", "town/")
    assert (whole.commercial, without.commercial) == (False, True)
    assert len(sources_of(whole)) == 2
    assert [source.partition(":")[0] for source in sources_of(without)] == ["made"]
    assert "research only" in whole.licence
    assert "research only" not in without.licence
    assert (whole.mm_per_px, without.mm_per_px) == (pytest.approx(2**0.5, abs=1e-6), 1.0)
    commercial = make_settings("smoke", {"licence": "commercial"})
    check_terms(commercial, without)
    with pytest.raises(UsageError, match="town"):
        check_terms(commercial, whole)


def test_no_window_is_cut_from_what_is_left_out(tmp_path: Path) -> None:
    pool = pool_without(tmp_path, "town/")
    split = make_split(pool, "paper", 1)
    cut_windows(pool, split.train, WindowSettings(count=8, width=64, height=64), 1, tmp_path)
    assert set(pd.read_parquet(tmp_path / LIST)["part"]) == {"made"}


def test_what_fits_nothing_or_everything_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="fits no scene") as refused:
        pool_without(tmp_path / "a", "city/")
    assert "made/s000" in str(refused.value.remedy)
    with pytest.raises(DataError, match="no scene to train on"):
        make_split(pool_without(tmp_path / "b", "town/|made/"), "paper", 1)


def test_a_regex_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match=r"dataset\.leave_out: .*no regex"):
        make_settings("smoke", {"dataset.name": "pool", "dataset.leave_out": "(town"})
    with pytest.raises(UsageError, match=r"dataset\.parts\.0\.test: .*no regex"):
        make_settings("smoke", {"dataset.parts": [{"name": "sample", "label": "made", "test": "["}]})


def test_without_a_pool_it_does_nothing_and_says_so() -> None:
    with pytest.raises(UsageError, match="leave_out does nothing"):
        make_settings("smoke", {"dataset.leave_out": "town/"})
    with pytest.raises(UsageError, match="parts does nothing"):
        make_settings("smoke", {"dataset.parts": [{"name": "sample", "label": "made"}]})


def test_photographs_are_not_taken_from_nearer() -> None:
    with pytest.raises(UsageError, match="sample_closest does nothing"):
        make_settings("smoke", {"dataset.name": "crackforest", "dataset.sample_closest": 8})
    make_settings("smoke", {"dataset.sample_closest": 8})
