import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.datasets import sealed
from pipeline.datasets.generated.crack_truth import CrackTruth, rasterise
from pipeline.datasets.joints import draw_joints
from pipeline.datasets.sealed import (
    FARTHEST_PX,
    NARROWEST_PX,
    THINNEST_END,
    WIDEST_PX,
    draw_drops,
    draw_sealed,
    sealed_along,
)


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


@settings(deadline=None)
@given(seed=st.integers(0, 999), count=st.integers(2, 200), wide=st.floats(NARROWEST_PX, WIDEST_PX))
def test_a_band_follows_its_crack_swaying_and_swelling_within_bounds(seed: int, count: int, wide: float) -> None:
    line = np.stack([np.linspace(0, 2.5 * count, count), np.full(count, 100.0)], 1)
    crack = CrackTruth(line, np.full(count, 3.0), np.ones(count))
    band = sealed_along(np.random.default_rng(seed), crack, wide, far=0.6, height=200)
    assert len(band.points) == len(band.widths) == count
    assert np.isfinite(band.points).all()
    assert np.abs(band.points[:, 1] - 100).max() <= 2.5 * 0.5 * wide  # 2.5 deviations of half a width
    assert band.widths.max() <= 2 * wide
    assert band.widths.min() >= THINNEST_END * 0.4 * FARTHEST_PX * 0.999


def test_bands_wind_and_swell_as_a_hand_pours_them() -> None:
    line = np.stack([np.linspace(0, 500, 200), np.full(200, 100.0)], 1)
    crack = CrackTruth(line, np.full(200, 3.0), np.ones(200))
    bands = [sealed_along(np.random.default_rng(seed), crack, 12, far=0, height=200) for seed in range(20)]
    assert np.mean([band.points[10:-10, 1].std() for band in bands]) > 1
    assert np.mean([band.widths[10:-10].std() for band in bands]) > 1


def test_some_end_bluntly_and_some_trail_off() -> None:
    line = np.stack([np.linspace(0, 500, 200), np.full(200, 100.0)], 1)
    crack = CrackTruth(line, np.full(200, 3.0), np.ones(200))
    bands = [sealed_along(np.random.default_rng(seed), crack, 12, far=0, height=200) for seed in range(40)]
    near_the_end = np.array([band.widths[6] / np.median(band.widths) for band in bands])  # 15 px from it
    assert (near_the_end < 0.6).mean() > 0.15
    assert (near_the_end > 0.8).mean() > 0.15


def test_its_edges_run_from_stone_to_stone(monkeypatch: pytest.MonkeyPatch) -> None:
    ragged = [draw_sealed(road(seed), np.random.default_rng(seed))[1] for seed in range(6)]
    monkeypatch.setattr(sealed, "ragged", lambda cover, wide, rng: cover)
    for seed, covered in enumerate(ragged):
        _, smooth = draw_sealed(road(seed), np.random.default_rng(seed))
        moved = covered ^ smooth
        assert moved.sum() > 0.02 * smooth.sum()
        edge = cv2.morphologyEx(smooth.view(np.uint8), cv2.MORPH_GRADIENT, np.ones((25, 25))) > 0
        assert not moved[~edge].any()


def test_the_road_shows_through_where_it_has_soaked_in(monkeypatch: pytest.MonkeyPatch) -> None:
    def rough(most: float) -> float:
        monkeypatch.setattr(sealed, "MOST_TEXTURE", most)
        drawn, covered = draw_sealed(road(), np.random.default_rng(1))
        return float(drawn[cv2.erode(covered.view(np.uint8), np.ones((3, 3))) > 0].std())

    assert rough(1) > rough(0)


def test_where_cracks_branch_sealant_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than three bands never stand side by side, but those of a network do."""

    def most(share: float) -> int:
        monkeypatch.setattr(sealed, "ON_NETWORKS", share)
        poured: list[int] = []
        monkeypatch.setattr(
            sealed, "rasterise", lambda bands, *size: poured.append(len(bands)) or rasterise(bands, *size)
        )
        for seed in range(12):
            draw_sealed(road(seed), np.random.default_rng(seed))
        return max(poured)

    assert most(0) <= 3
    assert most(1) > 3
