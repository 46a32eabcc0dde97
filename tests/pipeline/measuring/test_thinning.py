import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.measure import label
from skimage.morphology import thin as thin_of_scikit_image

from pipeline.measuring.cracks import measure
from pipeline.measuring.settings import MeasureSettings
from pipeline.measuring.thinning import thin
from tests.pipeline.measuring.drawn import bar

MASKS = arrays(np.uint8, st.tuples(st.integers(1, 14), st.integers(1, 14)), elements=st.integers(0, 1))


@settings(deadline=None)  # the first call compiles
@given(mask=MASKS)
def test_it_is_the_published_thinning(mask):
    padded = np.pad(mask, 1)
    assert (thin(padded.copy()) == thin_of_scikit_image(padded)).all()


@settings(deadline=None)
@given(mask=MASKS)
def test_nothing_falls_apart_or_vanishes(mask):
    padded = np.pad(mask, 1)
    assert label(thin(padded.copy()), connectivity=2).max() == label(padded, connectivity=2).max()


@pytest.mark.parametrize("width", [1.5, 2, 2.5, 3, 4, 5])
def test_a_crack_at_45_degrees_is_as_long_as_it_is(width):
    rng = np.random.default_rng(0)
    for sense in (1, -1):
        for _ in range(20):
            middle = 60 + rng.uniform(-0.5, 0.5, 2)
            half = np.array([35.0, sense * 35.0])
            mask = bar(middle - half, middle + half, width, (120, 120)) >= 0.5
            (found,) = measure(None, mask, MeasureSettings())
            assert found.length_px == pytest.approx(2 * np.hypot(*half), rel=0.03)
