import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.arrays import union_mask
from pipeline.cascade.cascade import CascadeResult, CascadeThresholds
from pipeline.cascade.scale import LARGEST, LEAST_PX, MOST_PX, NEAR, brought_back, factor_to, resampled

scales = st.floats(0.001, 1000)
sides = st.integers(1, 20_000)
AT_HALF = CascadeThresholds(0.5, 0.5, 0.5)


def result_of(mask: np.ndarray) -> CascadeResult:
    """A cascade that is sure of a mask, in one box around it."""
    rows, columns = np.nonzero(mask)
    box = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]])
    scores = np.ones(1, np.float32)
    return CascadeResult(box.astype(np.float32), scores, box, mask.astype(np.float32), mask, 1, 1, 0.25)


@given(scales, scales, sides, sides)
def test_no_photograph_becomes_too_large_or_too_small(known, told, height, width):
    factor = factor_to(known, told, (height, width))
    if factor > 1:
        assert factor <= min(told / known, LARGEST)
        assert height * width * factor**2 <= MOST_PX * 1.0001
    if factor < 1:
        assert factor >= told / known
        assert min(height, width) * factor >= LEAST_PX * 0.9999


@pytest.mark.parametrize(
    ("known", "told", "factor"),
    [
        (None, 1.0, 1),
        (1.0, None, 1),
        (1.0, NEAR, 1),
        (1.0, 1 / NEAR, 1),
        (1.3, 0.65, 0.5),
        (1.3, 13 / 7, 1),
        (1.0, 1.6, 1.6),
        (1.0, 50.0, LARGEST),
    ],
)
def test_only_photographs_far_from_the_known_scale_are_resampled(known, told, factor):
    assert factor_to(known, told, (1000, 1500)) == pytest.approx(factor)


def test_a_small_photograph_is_not_made_smaller():
    assert factor_to(10.0, 1.0, (LEAST_PX - 1, 900)) == 1


@pytest.mark.parametrize("factor", [0.3, 0.5, 1, 1.7, 2])
def test_what_is_found_lies_where_it_is_in_the_photograph(factor):
    image = np.full((331, 487, 3), 200, np.uint8)
    cv2.line(image, (60, 40), (400, 290), (0, 0, 0), 9)
    crack = image[..., 0] < 100
    seen = resampled(image, factor)
    assert seen.shape[:2] == (round(331 * factor), round(487 * factor))
    found = brought_back(result_of(seen[..., 0] < 100), crack.shape, AT_HALF)
    assert found.mask.shape == found.probability.shape == crack.shape
    assert found.probability.dtype == np.float32
    assert (found.mask == (found.probability >= 0.5)).all()
    assert (found.mask & crack).sum() / (found.mask | crack).sum() > 0.8
    assert found.boxes.dtype == np.float32
    np.testing.assert_allclose(found.boxes, result_of(crack).boxes, atol=4)
    assert (found.crops[:, 2:] <= [487, 331]).all()
    assert (found.crops >= 0).all()
    assert found.segmented_share == 0.25


@pytest.mark.parametrize("factor", [0.4, 1.9])
def test_outside_every_box_nothing_is_likely(factor):
    mask = np.zeros((round(200 * factor), round(300 * factor)), bool)
    mask[20:31, 33:47] = True
    found = brought_back(result_of(mask), (200, 300), AT_HALF._replace(probability=0.01))
    assert found.mask.any()
    assert not found.probability[~union_mask(found.boxes, (200, 300))].any()


@pytest.mark.parametrize("factor", [0.5, 2])
def test_flanks_are_left_out_of_the_photograph_as_they_are_where_they_were_found(factor):
    """A clear crack with one flank of 4 px; both are as wide as the picture is larger."""
    probability = np.zeros((60, 60), np.float32)
    probability[:, 30:32], probability[:, 32:36] = 0.9, 0.4
    found = result_of(probability > 0)._replace(probability=probability)
    back = brought_back(found, (round(60 / factor), round(60 / factor)), CascadeThresholds(0.5, 0.2, 0.5, 0.6))
    assert back.mask.sum(axis=1).tolist() == pytest.approx([2 / factor] * len(back.mask), abs=1)


def test_nothing_found_stays_nothing():
    none = np.zeros((0, 4), np.float32)
    empty = np.zeros((50, 60), np.float32)
    found = brought_back(
        CascadeResult(none, none[:, 0], none.astype(np.int64), empty, empty > 0, 1, 1, 0.0), (100, 120), AT_HALF
    )
    assert found.boxes.shape == found.crops.shape == (0, 4)
    assert found.mask.shape == (100, 120)
    assert not found.mask.any()


def test_a_photograph_at_the_known_scale_is_not_touched():
    image = np.zeros((40, 50, 3), np.uint8)
    assert resampled(image, 1.0) is image
    found = result_of(np.ones((40, 50), bool))
    assert brought_back(found, (40, 50), AT_HALF) is found
