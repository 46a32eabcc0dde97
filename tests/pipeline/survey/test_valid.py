from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.shipped import shipped_bundle
from pipeline.cascade.cascade import Cascade, CascadeResult
from pipeline.datasets.pictures import read_image
from pipeline.survey.valid import MIRRORED_PX, SEAM_PX, filled, only_valid


def test_nothing_is_found_outside_the_picture_nor_along_its_edge() -> None:
    valid = np.ones((100, 200), bool)
    valid[:, :60] = False
    mask = np.zeros(valid.shape, bool)
    mask[10, 20:] = True  # a line across everything
    mask[40:60, 61] = True  # the seam
    boxes = np.array([[10, 5, 190, 15], [55, 38, 66, 62], [100, 70, 120, 90]], np.float32)
    scores = np.array([0.9, 0.8, 0.7], np.float32)
    crops = boxes.astype(np.int64)
    found = only_valid(CascadeResult(boxes, scores, crops, mask.astype(np.float32), mask, 1.0, 1.0, 0.5), valid)
    assert np.flatnonzero(found.mask[10]).min() == 60 + SEAM_PX
    assert found.mask.sum() == 200 - 60 - SEAM_PX
    assert (found.probability > 0).sum() == found.mask.sum()
    # The seam's box goes; one that holds a crack stays, and so does one that does not reach there.
    np.testing.assert_array_equal(found.scores, scores[[0, 2]])
    assert len(found.boxes) == 2


def test_what_is_no_picture_gets_the_mean_colour_far_out_and_no_edge_near_by() -> None:
    across = 60 + np.arange(1500) // 20  # brightness rises to the right: the mean is far from that at the edge
    image = np.repeat(across[None, :, None], 40, axis=0).repeat(3, axis=2).astype(np.uint8)
    valid = np.ones(image.shape[:2], bool)
    valid[:, :1000] = False
    mean = round(float(image[valid].mean()))
    image[~valid] = 0
    found = filled(image, valid)
    assert (found[:, : 999 - MIRRORED_PX] == mean).all()
    near = found[:, 1000 - MIRRORED_PX : 1000]
    np.testing.assert_array_equal(near, image[:, 1001 : 1001 + MIRRORED_PX][:, ::-1])
    np.testing.assert_array_equal(found[valid], image[valid])


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(1, 90), st.integers(1, 90))
def test_what_is_filled_in_is_taken_from_the_picture(seed: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    valid = np.zeros((height, width), bool)
    for _ in range(rng.integers(1, 4)):  # pieces, narrow ones as well
        top, left = rng.integers(height), rng.integers(width)
        valid[top : top + rng.integers(1, 40), left : left + rng.integers(1, 40)] = True
    image = np.where(valid[..., None], rng.choice([90, 91, 140], (height, width, 3)), 0).astype(np.uint8)
    found = filled(image, valid)
    np.testing.assert_array_equal(found[valid], image[valid])
    assert set(np.unique(found)) <= set(np.unique(image[valid]))


@pytest.mark.parametrize("number", ["205", "208"])
def test_a_corner_that_is_no_picture_puts_no_crack_on_sound_road(datasets_root: Path, number: str) -> None:
    image = read_image(datasets_root / "crackforest" / "image" / f"{number}.jpg")
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    valid = y - 0.35 * x - 60 >= 0
    cascade = Cascade.load(shipped_bundle("roads"), "cpu", runtime="torch")
    shown = filled(np.where(valid[..., None], image, 0).astype(np.uint8), valid)
    assert only_valid(cascade.look([shown])[0], valid).mask.sum() == 0
