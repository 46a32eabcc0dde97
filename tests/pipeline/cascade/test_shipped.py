"""What the shipped bundles say of real photographs: whoever changes a bundle or the cascade sees it here.

Measured with PyTorch in f32, which is nearly the same on every CPU. Where a change is meant, take over the new figures.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from models.shipped import shipped_bundle
from pipeline.cascade.cascade import Cascade
from pipeline.datasets.pictures import read_image

FRAMES = Path(__file__).parents[3] / "data" / "samples" / "dnit"
CRACKED, ALSO, SOUND = (
    "1014583_RS_386_386RS124739_29840",
    "1076074_DF_251_251BDF0530_02840",
    "1051771_DF_020_020BDF0070_01684",
)


class Found(NamedTuple):
    """What was found on a frame; crack pixels in its quarters, row by row."""

    boxes: int
    quarters_px: tuple[int, int, int, int]
    best_score: float
    segmented_share: float


STORED = {
    "roads": {
        CRACKED: Found(43, (192, 4444, 669, 12140), 0.6637, 0.2258),
        ALSO: Found(29, (0, 2835, 0, 19895), 0.6739, 0.1857),
        SOUND: Found(0, (0, 0, 0, 0), 0.0000, 0.0000),
    },
    "roads-research": {
        CRACKED: Found(48, (222, 7465, 776, 15371), 0.6944, 0.2742),
        ALSO: Found(43, (0, 6437, 0, 27094), 0.7519, 0.2540),
        SOUND: Found(0, (0, 0, 0, 0), 0.0000, 0.0000),
    },
    "crackforest-fast": {
        CRACKED: Found(30, (1762, 5907, 440, 1176), 0.7048, 0.4453),
        ALSO: Found(10, (0, 968, 0, 1058), 0.7021, 0.2877),
        SOUND: Found(5, (240, 449, 936, 202), 0.5834, 0.5),
    },
}


@pytest.mark.parametrize("bundle", STORED)
def test_a_shipped_bundle_finds_what_it_found(bundle: str) -> None:
    cascade = Cascade.load(shipped_bundle(bundle), "cpu", runtime="torch")
    for frame, stored in STORED[bundle].items():
        result = cascade.look([read_image(FRAMES / frame / f"{frame}_RAW.jpg")])[0]
        middle = (result.mask.shape[0] // 2, result.mask.shape[1] // 2)
        quarters = [part for half in np.split(result.mask, middle[:1]) for part in np.split(half, middle[1:], axis=1)]
        pixels = tuple(int(part.sum()) for part in quarters)
        found = Found(len(result.boxes), pixels, float(result.scores.max(initial=0)), result.segmented_share)  # type: ignore[arg-type]
        assert found.boxes == pytest.approx(stored.boxes, rel=0.02, abs=1), (bundle, frame, found)
        within = 0.02 * sum(stored.quarters_px)  # of the whole: in a quarter that holds little, one piece is much
        assert found.quarters_px == pytest.approx(stored.quarters_px, abs=within), (bundle, frame, found)
        assert found.best_score == pytest.approx(stored.best_score, abs=0.005), (bundle, frame, found)
        assert found.segmented_share == pytest.approx(stored.segmented_share, rel=0.05), (bundle, frame, found)
