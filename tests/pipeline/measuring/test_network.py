"""What a network's masks measure beside the truth's, on CrackForest's test part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.shipped import shipped_bundle
from pipeline.cascade.cascade import Cascade
from pipeline.datasets.crackforest import CrackForest
from pipeline.datasets.splits import select
from pipeline.measuring.cracks import measure
from pipeline.measuring.settings import MeasureSettings


def total(
    probability: np.ndarray | None, mask: np.ndarray, level: float = 0.5, within: bool = False
) -> tuple[float, float]:
    """Length of all cracks, px, and their mean width, weighted by length, px."""
    found = [
        c for c in measure(probability, mask, MeasureSettings(), None, level, within) if np.isfinite(c.width_mean_px)
    ]
    lengths = np.array([crack.length_px for crack in found])
    return float(lengths.sum()), float(np.average([crack.width_mean_px for crack in found], weights=lengths))


@pytest.mark.timeout(300)
def test_a_networks_cracks_are_as_long_and_wide_as_the_truths(datasets_root: Path) -> None:
    dataset = CrackForest(datasets_root / "crackforest")
    cascade = Cascade.load(shipped_bundle("crackforest-fast"))
    lengths, widths = [], []
    for name in select(dataset, "paper-test", 2018):
        sample = dataset.load(name)
        found = cascade(sample.image)
        length, width = total(None, sample.mask)
        seen_length, seen_width = total(found.probability, found.mask, cascade.thresholds.probability, True)
        lengths.append(seen_length / length - 1)
        widths.append(seen_width - width)
    told = f"width {np.mean(widths):+.2f} / {np.abs(widths).mean():.2f} px, length {np.mean(lengths):+.1%} / "
    print(f"{told}{np.abs(lengths).mean():.1%} of {len(lengths)} pictures")
    assert np.abs(widths).mean() <= 0.8
    assert np.abs(lengths).mean() <= 0.085
