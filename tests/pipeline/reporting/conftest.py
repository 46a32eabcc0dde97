import numpy as np
import pytest

from pipeline.arrays import Mask
from pipeline.datasets.base import Sample


@pytest.fixture
def mask() -> Mask:
    """A crack on row 10, columns 5 to 54, of an 80 × 120 frame."""
    mask = np.zeros((80, 120), dtype=bool)
    mask[10, 5:55] = True
    return mask


@pytest.fixture
def sample(mask: Mask) -> Sample:
    image = np.random.default_rng(0).integers(90, 160, (*mask.shape, 3)).astype(np.uint8)
    return Sample("001", "001", image, mask)
