from __future__ import annotations

import numpy as np

from pipeline.cascade.cascade import CascadeResult
from pipeline.survey.valid import SEAM_PX, filled, only_valid


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


def test_what_is_no_picture_gets_the_mean_colour() -> None:
    image = np.full((4, 6, 3), 90, np.uint8)
    image[:, :2] = 0
    valid = image[..., 0] > 0
    assert (filled(image, valid) == 90).all()
    assert image[0, 0, 0] == 0
