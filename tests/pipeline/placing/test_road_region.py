from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline.cascade.cascade import CascadeResult
from pipeline.placing.camera_file import Camera
from pipeline.placing.road_region import counted, cut_out, put_back, region_in
from pipeline.survey.listing.photographs import Photograph
from pipeline.survey.process import Picture, process_pictures

TRIANGLE = Camera(view="forward", size_px=(100, 80), region=((20, 70), (50, 30), (80, 70)))


class Dark:
    """Stands for a cascade: whatever is dark is crack, in one box; it remembers what it was shown."""

    device = torch.device("cpu")

    def __init__(self) -> None:
        self.shown: list[tuple[int, ...]] = []

    def look(self, images: list[np.ndarray]) -> list[CascadeResult]:
        self.shown += [image.shape for image in images]
        return [self._look(image) for image in images]

    def _look(self, image: np.ndarray) -> CascadeResult:
        mask = image[..., 0] < 50
        rows, columns = np.nonzero(mask)
        box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1] if mask.any() else []
        boxes = np.array(box, np.float32).reshape(-1, 4)
        return CascadeResult(
            boxes, np.ones(len(boxes), np.float32), boxes.astype(np.int64), mask.astype(np.float32), mask, 1, 1, 1.0
        )


def look(image: np.ndarray, camera: Camera | None, valid: np.ndarray | None = None) -> tuple[Dark, CascadeResult]:
    cascade = Dark()
    picture = Picture(Photograph("a.jpg"), image, None, "", 0.0, valid=valid)
    (((_, found),),) = process_pictures(cascade, [picture], camera)  # type: ignore[arg-type]
    assert isinstance(found, CascadeResult)
    return cascade, found


def test_beside_the_road_nothing_is_looked_at_nor_found() -> None:
    image = np.full((80, 100, 3), 120, np.uint8)
    image[60, :] = 0  # across road and verge
    image[5, :] = 0  # in the sky
    cascade, found = look(image, TRIANGLE)
    ((height, width, _),) = cascade.shown
    assert 40 <= height <= 42  # stage 1 sees the road's rectangle alone
    assert 60 <= width <= 62
    assert found.mask.shape == (80, 100)
    assert not found.mask[5].any()
    assert np.flatnonzero(found.mask[60]).min() == pytest.approx(27.5, abs=1.5)  # the triangle's edges there
    assert np.flatnonzero(found.mask[60]).max() == pytest.approx(72.5, abs=1.5)
    np.testing.assert_array_equal(found.mask, found.probability > 0)
    assert found.boxes[0, 1] == 60  # in px of the photograph
    assert found.segmented_share == pytest.approx(height * width / 8000)


def test_a_box_that_holds_no_road_goes() -> None:
    image = np.full((80, 100, 3), 120, np.uint8)
    image[33, 22:30] = 0  # within the rectangle, beside the triangle
    _, found = look(image, TRIANGLE)
    assert len(found.boxes) == len(found.scores) == 0
    assert not found.mask.any()


def test_without_a_region_all_of_it_is_looked_at() -> None:
    image = np.full((80, 100, 3), 120, np.uint8)
    for camera in (None, Camera(view="down")):
        cascade, _ = look(image, camera)
        assert cascade.shown == [(80, 100, 3)]
    other = np.full((100, 80, 3), 120, np.uint8)  # upright: this camera did not take it
    assert region_in(TRIANGLE, 100, 80) is None
    assert look(other, TRIANGLE)[0].shown == [(100, 80, 3)]


def test_a_smaller_copy_has_a_smaller_region() -> None:
    region, half = region_in(TRIANGLE, 80, 100), region_in(TRIANGLE, 40, 50)
    assert region is not None
    assert half is not None
    np.testing.assert_allclose(np.array(half.window) * 2, region.window, atol=2)


def test_what_is_neither_picture_nor_road_does_not_count() -> None:
    valid = np.ones((80, 100), bool)
    valid[:, :50] = False
    region = region_in(TRIANGLE, 80, 100)
    both = counted(valid, region)
    assert both is not None
    assert both.sum() == pytest.approx(600, abs=60)  # half of a triangle of 60 × 40; pixels on its outline are road
    assert counted(None, None) is None
    assert counted(valid, None) is valid


def test_cut_out_and_put_back_are_each_others_inverse() -> None:
    region = region_in(TRIANGLE, 80, 100)
    image = np.random.default_rng(0).integers(0, 100, (80, 100, 3), np.uint8)
    found = Dark()._look(cut_out(image, region))
    there = put_back(found, region)
    assert region is not None
    np.testing.assert_array_equal(there.mask, (image[..., 0] < 50) & region.inside)
