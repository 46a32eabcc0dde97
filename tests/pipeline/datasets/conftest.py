"""Tiny data sets on disk, in each known layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

Maker = Callable[..., Path]


def save(path: Path, height: int = 8, width: int = 12, value: int = 90, mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((height, width), value, np.uint8)).convert(mode).save(path)


def save_mask(path: Path, height: int = 8, width: int = 12) -> None:
    """A crack along row 2."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mask = np.zeros((height, width), np.uint8)
    mask[2] = 255
    Image.fromarray(mask).save(path)


def save_truth(path: Path, labels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    truth = np.zeros((1, 1), dtype=[("Segmentation", "O"), ("Boundaries", "O")])
    truth[0, 0] = (labels.astype(np.uint8), np.zeros_like(labels))
    savemat(path, {"groundTruth": truth})


@pytest.fixture
def make_crackforest(tmp_path: Path) -> Maker:
    def make(
        names: tuple[str, ...] = ("001", "002", "042", "095"), untraced: tuple[str, ...] = ("201", "202", "205")
    ) -> Path:
        root = tmp_path / "crackforest"
        labels = np.ones((8, 12))
        labels[2, :], labels[5, 4:6], labels[6, 0] = 2, 3, 4
        for i, name in enumerate(names):
            save(root / "image" / f"{name}.jpg", value=80 + i)
            save_truth(root / "groundTruth" / f"{name}.mat", labels)
        for name in untraced:
            save(root / "image" / f"{name}.jpg")
        return root

    return make


@pytest.fixture
def make_deepcrack(tmp_path: Path) -> Maker:
    def make(
        train: tuple[str, ...] = ("11116", "11116-1", "IMG_5-1", "11158", "20", "30"),
        test: tuple[str, ...] = ("11116-2", "11216", "40"),
    ) -> Path:
        root = tmp_path / "deepcrack"
        for part, stems in (("train", train), ("test", test)):
            for stem in stems:
                save(root / f"{part}_img" / f"{stem}.jpg")
                save_mask(root / f"{part}_lab" / f"{stem}.png")
        return root

    return make


@pytest.fixture
def make_dnit(tmp_path: Path) -> Maker:
    def make(chainages: tuple[int, ...] = (29840, 29845, 30001, 30199, 30200)) -> Path:
        root = tmp_path / "dnit"
        for i, chainage in enumerate(chainages):
            name = f"{1000 + i}_RS_386_386RS124739_{chainage:05d}"
            save(root / name / f"{name}_RAW.jpg")
            save_mask(root / name / f"{name}_CRACK.png")
        return root

    return make


@pytest.fixture
def make_folder(tmp_path: Path) -> Maker:
    def make(names: tuple[str, ...] = ("a", "b", "c")) -> Path:
        root = tmp_path / "own"
        for name in names:
            save(root / "images" / f"{name}.png")
            save_mask(root / "masks" / f"{name}.png")
        return root

    return make
