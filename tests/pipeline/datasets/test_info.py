from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.errors import DataError
from pipeline.datasets.info import describe_root

from .conftest import Maker, save, save_mask


def test_counts(make_crackforest: Maker) -> None:
    root = make_crackforest()
    told = describe_root(root)
    assert json.loads(json.dumps(told)) == told
    assert told["dataset"] == "crackforest"
    assert told["root"] == str(root)
    assert (told["samples"], told["negatives"], told["groups"], told["official_test"]) == (3, 2, 2, 0)
    assert told["sizes"] == [{"width_px": 12, "height_px": 8, "samples": 3}]
    assert told["crack_share"] == pytest.approx(13 / 96)
    assert told["samples_without_crack"] == 0
    assert len(told["fingerprint"]) == 64
    assert told["problems"] == []


def test_sizes_and_empty_masks(make_folder: Maker) -> None:
    root = make_folder()
    save(root / "images" / "d.png", height=20, width=10)
    save(root / "masks" / "d.png", height=20, width=10, value=0, mode="L")
    told = describe_root(root)
    assert [size["samples"] for size in told["sizes"]] == [3, 1]
    assert told["samples_without_crack"] == 1


def test_every_problem_is_told(make_folder: Maker) -> None:
    root = make_folder()
    (root / "images" / "a.png").write_bytes(b"broken")
    save_mask(root / "masks" / "c.png", height=9)
    told = describe_root(root)
    assert len(told["problems"]) == 2
    assert "a.png" in told["problems"][0]
    assert "c.png" in told["problems"][1]
    assert told["fingerprint"] is None
    assert told["samples"] == 3


def test_no_data_set(tmp_path: Path, make_folder: Maker) -> None:
    with pytest.raises(DataError, match="Known are crackforest"):
        describe_root(tmp_path)
    with pytest.raises(DataError, match="does not exist"):
        describe_root(tmp_path / "none")
    make_folder()
    with pytest.raises(DataError, match="name one of them: own"):
        describe_root(tmp_path)
