from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from models.errors import DataError
from pipeline.datasets.crackforest import SCENES, CrackForest
from pipeline.datasets.splits import make_split

from .conftest import Maker, save, save_truth


def test_names_leave_out_042_and_take_known_negatives_only(make_crackforest: Maker) -> None:
    dataset = CrackForest(make_crackforest())
    assert dataset.names == ("001", "002", "095")
    assert (dataset.negative_names, dataset.clean_names) == (("201",), ("205",))


def test_labels_2_and_4_are_crack_and_3_is_not(make_crackforest: Maker) -> None:
    sample = CrackForest(make_crackforest()).load("001")
    expected = np.zeros((8, 12), bool)
    expected[2], expected[6, 0] = True, True
    np.testing.assert_array_equal(sample.mask, expected)
    assert sample.image.shape == (8, 12, 3)
    assert (sample.name, sample.group) == ("001", "001")


def test_negative_has_an_empty_mask(make_crackforest: Maker) -> None:
    sample = CrackForest(make_crackforest()).load("205")
    assert sample.mask.shape == (8, 12)
    assert not sample.mask.any()


def test_scenes_are_groups(make_crackforest: Maker) -> None:
    dataset = CrackForest(make_crackforest())
    assert dataset.group("095") == dataset.group("001") != dataset.group("002")
    assert {dataset.group(n) for n in ("064", "067", "115")} == {"064"}
    assert len(frozenset().union(*SCENES)) == sum(map(len, SCENES))


def test_fingerprint_follows_contents_not_place(make_crackforest: Maker, tmp_path: Path) -> None:
    root = make_crackforest()
    before = CrackForest(root).fingerprint()
    elsewhere = shutil.copytree(root, tmp_path / "elsewhere")
    assert CrackForest(elsewhere).fingerprint() == before
    save(elsewhere / "image" / "002.jpg", value=3)
    assert CrackForest(elsewhere).fingerprint() != before


def test_missing_mask_and_missing_photograph(make_crackforest: Maker) -> None:
    root = make_crackforest()
    (root / "groundTruth" / "002.mat").unlink()
    with pytest.raises(DataError, match=r"002\.jpg has no mask") as error:
        CrackForest(root)
    assert "data fetch crackforest" in error.value.remedy
    (root / "image" / "002.jpg").unlink()
    (root / "image" / "001.jpg").unlink()
    with pytest.raises(DataError, match=r"001\.mat has no photograph"):
        CrackForest(root)


def test_empty_folders(tmp_path: Path) -> None:
    (tmp_path / "image").mkdir()
    (tmp_path / "groundTruth").mkdir()
    with pytest.raises(DataError, match="no photograph with a mask"):
        CrackForest(tmp_path)


def test_sizes_must_agree(make_crackforest: Maker) -> None:
    root = make_crackforest()
    save_truth(root / "groundTruth" / "001.mat", np.ones((8, 13)))
    with pytest.raises(DataError, match=r"12×8 px, but its mask .*001\.mat is 13×8 px"):
        CrackForest(root).load("001")


@pytest.mark.parametrize("content", [b"", b"MATLAB 5.0 MAT-file, but not really", b"\0" * 400])
def test_damaged_truth(make_crackforest: Maker, content: bytes) -> None:
    root = make_crackforest()
    (root / "groundTruth" / "001.mat").write_bytes(content)
    with pytest.raises(DataError, match=r"001\.mat"):
        CrackForest(root).load("001")


def test_truncated_truth(make_crackforest: Maker) -> None:
    path = make_crackforest() / "groundTruth" / "001.mat"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match=r"001\.mat"):
        CrackForest(path.parents[1]).load("001")


def test_unknown_sample(make_crackforest: Maker) -> None:
    with pytest.raises(DataError, match="no sample '042'"):
        CrackForest(make_crackforest()).load("042")


def test_real_data(datasets_root: Path) -> None:
    root = datasets_root / "crackforest"
    if not root.is_dir():
        pytest.skip(f"no {root}")
    dataset = CrackForest(root)
    assert len(dataset) == 117
    assert dataset.negative_names == ("201", "206", "207", "321")
    assert dataset.clean_names == ("204", "205", "208")
    split = make_split(dataset, "paper", 2018)
    assert [len(split.train), len(split.val), len(split.test)] == [80, 20, 17]
    for scene in SCENES:
        assert sum(bool(scene & set(part)) for part in (split.train, split.val, split.test)) == 1
    # Label 3 counted as crack would make these 20 to 35 %.
    assert all(dataset.load(name).mask.mean() < 0.1 for name in ("093", "097", "101"))
