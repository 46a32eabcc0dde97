"""Markings are bright bars, and what is in the road is seen through them."""

import cv2
import numpy as np

from pipeline.datasets.look_alikes import draw_look_alike
from pipeline.datasets.markings import draw_markings


def road(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.clip(rng.normal(110, 8, (192, 256, 1)).repeat(3, axis=2), 0, 255).astype(np.uint8)


def test_paint_is_bright_and_covers_no_crack():
    changed = []
    for seed in range(12):
        picture = road(seed)
        before = picture.copy()
        drawn, covered = draw_markings(picture, np.random.default_rng(seed))
        assert np.array_equal(picture, before)
        assert not covered.any()
        assert np.array_equal(drawn, draw_markings(picture, np.random.default_rng(seed))[0])
        assert not np.ptp(drawn, axis=2).any()  # a grey picture stays grey
        painted = np.abs(drawn.astype(int) - before).max(axis=2) > 40
        changed.append(painted.mean())
        if painted.mean() > 0.02:
            assert drawn[painted].mean() > 150
    assert max(changed) < 0.9
    assert np.mean(changed) > 0.05


def test_a_crack_is_dark_in_the_paint_too():
    seen = 0
    for seed in range(12):
        picture = cv2.line(road(seed), (0, 96), (255, 96), (50, 50, 50), 2)
        drawn, _ = draw_markings(picture, np.random.default_rng(seed))
        grey = drawn[..., 0].astype(int)
        beside = np.minimum(grey[88:92].mean(axis=0), grey[101:105].mean(axis=0))
        painted = beside > 160
        if painted.sum() > 8:
            seen += 1
            assert (beside - grey[96])[painted].mean() > 30
    assert seen >= 3


def test_every_kind_of_look_alike_is_drawn():
    picture = road(0)
    drawn = [draw_look_alike(picture, np.random.default_rng(seed)) for seed in range(24)]
    assert any(not covered.any() for _, covered in drawn)  # markings
    assert sum(covered.any() for _, covered in drawn) > 8  # what hides the road
