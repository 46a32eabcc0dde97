import cv2
import numpy as np
import pytest

from pipeline.datasets.joints import draw_joints
from pipeline.datasets.sealed import NARROWEST_PX, draw_drops, draw_sealed


def road(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.clip(rng.normal(140, 15, (192, 256, 3)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("draw", [draw_sealed, draw_drops, draw_joints])
def test_the_picture_changes_where_it_is_covered_and_nowhere_else(draw) -> None:
    for seed in range(8):
        picture = road(seed)
        before = picture.copy()
        drawn, covered = draw(picture, np.random.default_rng(seed))
        assert np.array_equal(picture, before)
        assert 0 < covered.mean() < 0.6
        beyond = cv2.dilate(covered.astype(np.uint8), np.ones((13, 13))) == 0
        assert np.array_equal(drawn[beyond], before[beyond])
        again, _ = draw(picture, np.random.default_rng(seed))
        assert np.array_equal(drawn, again)


def test_sealant_is_dark_smooth_and_wider_than_cracks() -> None:
    for seed in range(8):
        drawn, covered = draw_sealed(road(seed), np.random.default_rng(seed))
        core = cv2.erode(covered.astype(np.uint8), np.ones((3, 3))) > 0
        assert drawn[core].mean() < 0.85 * 140
        assert drawn[core].std() < drawn[~covered].std() + 5
        depth = cv2.distanceTransform(covered.astype(np.uint8), cv2.DIST_L2, 5)
        assert 2 * depth.max() >= NARROWEST_PX * 0.6
