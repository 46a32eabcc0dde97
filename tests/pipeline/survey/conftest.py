"""A bundle of untrained networks that finds something on every picture, and small photographs."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from models.bundle import save_bundle
from models.segmenter import SegmenterConfig, build_segmenter
from tests.tiny import eager_detector, tiny_card

SEGMENTER = SegmenterConfig(encoder="resnet18", weights="none", decoder_channels=(8, 8, 8))
SIDE = 48


def make_bundle(folder: Path, seed: int = 1) -> Path:
    """Untrained networks whose thresholds lie where such networks' scores do."""
    torch.manual_seed(seed)
    card = tiny_card(segmenter=SEGMENTER, score_threshold=0.325, probability_threshold=0.27, crop_halo=4, seed=seed)
    return save_bundle(folder, eager_detector(), build_segmenter(SEGMENTER), card)


def make_photographs(folder: Path, count: int, seed: int = 0) -> Path:
    """JPEG photographs ``p000.jpg``, … of noise with one dark line each."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        image = rng.integers(90, 190, (SIDE, SIDE, 3), dtype=np.uint8)
        start = int(rng.integers(5, SIDE - 5))
        cv2.line(image, (start, 0), (start + int(rng.integers(-5, 5)), SIDE - 1), (20, 20, 20), 2)
        cv2.imwrite(str(folder / f"p{number:03d}.jpg"), image)
    return folder


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny bundle."""
    return make_bundle(tmp_path_factory.mktemp("bundle") / "tiny")


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Twelve photographs."""
    return make_photographs(tmp_path / "photographs", 12)
