from pathlib import Path

import numpy as np
import pytest

from models.errors import DataError
from pipeline.datasets.mask_coding import OneCoding
from pipeline.datasets.masks import Truth

CRACK = np.ones((2, 2), bool)
WHITE = Truth(CRACK, white=True)
UNJUDGED = Truth(CRACK, ignore=CRACK)


@pytest.mark.parametrize("order", [(WHITE, UNJUDGED), (UNJUDGED, WHITE)])
def test_255_is_one_thing_in_all_masks(order: tuple[Truth, Truth]) -> None:
    coding = OneCoding()
    coding.check(Path("a.png"), order[0])
    with pytest.raises(DataError, match="255 alone"):
        coding.check(Path("b.png"), order[1])


def test_masks_of_one_coding_pass() -> None:
    coding = OneCoding()
    for truth in (UNJUDGED, Truth(CRACK), UNJUDGED):
        coding.check(Path("a.png"), truth)
