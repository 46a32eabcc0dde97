import dataclasses
import math

import numpy as np
import pytest
import torch

from models.bundle import save_bundle
from models.errors import BundleError
from models.segmenter import build_segmenter
from pipeline.bench.measure import quality
from pipeline.bench.rounds import side_by_side
from pipeline.cascade.cascade import Cascade
from pipeline.datasets.generated.sample import GeneratedSample
from tests.tiny import SEGMENTER, eager_detector, tiny_card


def test_every_bundle_has_both_ways_timed_on_the_same_pictures(tmp_path):
    torch.manual_seed(0)
    networks = eager_detector(), build_segmenter(SEGMENTER)
    low = save_bundle(tmp_path / "low", *networks, tiny_card(score_threshold=0.3, probability_threshold=0.0))
    high = save_bundle(tmp_path / "high", *networks, tiny_card(score_threshold=0.3, probability_threshold=1.0))
    dataset = GeneratedSample(2, 0, 192, 128)
    samples = [dataset.load(name) for name in dataset.names]
    threads = torch.get_num_threads()
    try:
        told = []
        rows = side_by_side([low, high], samples, 1, lambda *line: told.append(line))
    finally:
        torch.set_num_threads(threads)
    assert [one["bundle"] for one in rows] == [str(low), str(high)]
    assert [one["name"] for one in rows] == ["ResNet-18, 16-8-8"] * 2
    assert all(one["cascade_ms"] > 0 < one["full_frame_ms"] for one in rows)
    assert rows[0]["f1_2px_mean"] != rows[1]["f1_2px_mean"]  # all that a box holds is crack, or nothing
    for one, bundle in zip(rows, (low, high), strict=True):
        assert one | quality(Cascade.load(bundle), samples) == one
    assert told[-1][:2] == (1, 1)
    with pytest.raises(BundleError):
        side_by_side([tmp_path / "none"], samples, 1, lambda *line: None)


def test_where_no_picture_has_a_crack_no_f1_is_told(tmp_path):
    bundle = save_bundle(tmp_path / "tiny", eager_detector(), build_segmenter(SEGMENTER), tiny_card())
    sample = next(sample for sample in GeneratedSample(8, 0, 192, 128) if sample.mask.any())
    clean = dataclasses.replace(sample, mask=np.zeros_like(sample.mask))
    assert all(math.isnan(value) for value in quality(Cascade.load(bundle), [clean]).values())
    assert not math.isnan(quality(Cascade.load(bundle), [clean, sample])["f1_2px_mean"])
