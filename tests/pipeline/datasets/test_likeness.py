"""Perceptual hashes: copies are found, other pictures are not."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.datasets.generated.sample import GeneratedSample
from pipeline.datasets.likeness import alike, perceptual_hash


def saved_again(image: np.ndarray) -> np.ndarray:
    half = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(".jpg", half, [cv2.IMWRITE_JPEG_QUALITY, 60])
    return cv2.imdecode(encoded, cv2.IMREAD_COLOR)


def test_a_copy_is_found_and_nothing_else() -> None:
    images = {sample.name: sample.image for sample in GeneratedSample(8)}
    copies = {f"copy of {name}": saved_again(image) for name, image in images.items()}
    found = alike(
        {name: perceptual_hash(image) for name, image in images.items()},
        {name: perceptual_hash(image) for name, image in copies.items()},
    )
    assert found == [(name, f"copy of {name}") for name in images]


def test_nothing_is_like_nothing() -> None:
    assert alike({}, {}) == []
