from __future__ import annotations

import struct
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from models.errors import DataError
from pipeline.datasets.crackforest import CrackForest
from pipeline.datasets.matlab import load_matlab

from .conftest import Maker


def saved(path: Path, variable: Any, compressed: bool = True) -> Path:
    savemat(path, {"groundTruth": variable}, do_compression=compressed)
    return path


@pytest.mark.parametrize("compressed", [True, False])
def test_numbers_come_back(tmp_path: Path, compressed: bool) -> None:
    labels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    read = load_matlab(saved(tmp_path / "a.mat", {"Segmentation": labels}, compressed), "")
    np.testing.assert_array_equal(read["groundTruth"][0, 0]["Segmentation"], labels)


def test_a_bomb_is_refused_in_bounded_memory(tmp_path: Path) -> None:
    saved(tmp_path / "a.mat", np.zeros(4, np.uint8))
    header = (tmp_path / "a.mat").read_bytes()[:128]
    packer = zlib.compressobj(9)
    packed = packer.compress(struct.pack("<II", 14, 1 << 30))
    packed += b"".join(packer.compress(bytes(1 << 20)) for _ in range(300)) + packer.flush()
    (tmp_path / "bomb.mat").write_bytes(header + struct.pack("<II", 15, len(packed)) + packed)
    tracemalloc.start()
    with pytest.raises(DataError, match="when unpacked"):
        load_matlab(tmp_path / "bomb.mat", "")
    assert tracemalloc.get_traced_memory()[1] < 200 << 20
    tracemalloc.stop()


def test_a_size_that_the_file_cannot_hold_is_refused(tmp_path: Path) -> None:
    cells = np.empty((7, 3), object)
    cells[:] = 1.0
    path = saved(tmp_path / "a.mat", cells, compressed=False)
    path.write_bytes(path.read_bytes().replace(struct.pack("<ii", 7, 3), struct.pack("<ii", 1 << 16, 1 << 14)))
    with pytest.raises(DataError, match="more than the file holds"):
        load_matlab(path, "")


def test_depth_is_bounded(tmp_path: Path) -> None:
    inner: Any = np.zeros(1)
    for _ in range(40):
        cell = np.empty(1, object)
        cell[0] = inner
        inner = cell
    with pytest.raises(DataError, match="too deep"):
        load_matlab(saved(tmp_path / "a.mat", inner), "")


@pytest.mark.parametrize(
    "truth",
    [
        {"Segmentation": np.array([["a", 3]], object)},
        {"Segmentation": "text"},
        {"Segmentation": np.zeros((2, 3, 4))},
        {"Other": np.zeros((8, 12))},
        np.zeros((0, 0)),
        np.zeros((8, 12)),
    ],
)
def test_truth_of_another_make_is_refused(make_crackforest: Maker, truth: Any) -> None:
    root = make_crackforest()
    saved(root / "groundTruth" / "001.mat", truth)
    with pytest.raises(DataError, match=r"001\.mat") as refused:
        CrackForest(root).load("001")
    assert len(str(refused.value)) < 1000
