"""Large masks: time grows with their pixels, not with the square or cube of what lies in them."""

from time import process_time

import numpy as np

from pipeline.measuring.cracks import measure
from pipeline.measuring.settings import MeasureSettings

MOST_S = 1.5  # of CPU, a megapixel


def test_a_mask_full_of_crack_is_measured_in_time():
    mask = np.ones((1600, 1600), bool)
    measure(None, mask[:200, :200], MeasureSettings())  # compiles
    start = process_time()
    (found,) = measure(None, mask, MeasureSettings())
    assert process_time() - start <= MOST_S * mask.size / 1e6
    assert found.width_mean_px == 1600


def test_a_mask_of_ten_thousand_junctions_is_measured_in_time():
    y, x = np.mgrid[:2000, :2000]
    mask = (y % 28 < 5) | ((x + (0.577 * y).astype(int)) % 28 < 6)  # at 60 degrees, where each is two junctions
    measure(None, mask[:200, :200], MeasureSettings())  # compiles
    start = process_time()
    measure(None, mask, MeasureSettings())
    assert process_time() - start <= 2.0
