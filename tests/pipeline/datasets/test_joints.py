"""Joints: straight, of one width, chipped and worn or not."""

import cv2
import numpy as np
import pytest

from pipeline.datasets import joints
from pipeline.datasets.joints import draw_joints


def road() -> np.ndarray:
    return np.full((192, 256, 3), 140, np.uint8)


def test_a_joint_is_straight_and_as_wide_as_said() -> None:
    cover = np.zeros((100, 200), np.float32)
    joints._line(cover, np.array([50.0, 40.0]), 0.0, 4)
    assert np.allclose(cover.sum(axis=0), 4)
    assert (cover[38:43] > 0).all()


def test_chips_lie_on_its_edges() -> None:
    cover = np.zeros((100, 200), np.float32)
    joints._chip(cover, np.array([100.0, 50.0]), 0.0, 6, 10, np.random.default_rng(0))
    rows = np.flatnonzero(cover.any(axis=1))
    assert cover.any()
    assert rows.min() >= 50 - 3 - 7
    assert rows.max() <= 50 + 3 + 7


def test_some_are_chipped_and_the_others_are_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    broken: list[int] = []
    monkeypatch.setattr(joints, "_chip", lambda cover, through, direction, wide, count, rng: broken.append(count))
    monkeypatch.setattr(joints, "CHIPPED", 0)
    draw_joints(road(), np.random.default_rng(0))
    assert not any(broken)
    monkeypatch.setattr(joints, "CHIPPED", 1)
    for seed in range(4):
        draw_joints(road(), np.random.default_rng(seed))
    assert any(broken)


def test_most_are_darker_than_the_road_and_fade_here_and_there() -> None:
    darker, fading = [], []
    for seed in range(40):
        drawn, covered = draw_joints(road(), np.random.default_rng(seed))
        core = cv2.erode(covered.view(np.uint8), np.ones((3, 3))) > 0
        if core.sum() > 100:
            darker.append(drawn[core].mean() < 140)
            fading.append(np.abs(drawn[core].astype(float) - 140).std())
    assert 0.6 < np.mean(darker) < 1
    assert np.median(fading) > 5
