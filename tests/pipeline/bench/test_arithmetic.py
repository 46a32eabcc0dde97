from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from models.bundle import load_bundle
from pipeline.bench.arithmetic import cascade_multiply_adds, multiply_adds
from pipeline.cascade.crops import plan_crops
from pipeline.datasets.boxes import mask_to_boxes
from pipeline.datasets.generated.sample import GeneratedSample
from pipeline.settings import LabelSettings

BUNDLE = Path(__file__).parents[3] / "data" / "bundles" / "crackforest-fast"


class Once(nn.Module):
    """One 3×3 convolution from 3 to 4 channels."""

    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, images):
        return self.convolution(images.permute(0, 3, 1, 2).float())


def test_multiply_adds_of_a_convolution_worked_by_hand():
    assert multiply_adds(Once(), 10, 20) == 10 * 20 * 3 * 4 * 9


@pytest.fixture(scope="module")
def shipped():
    return load_bundle(BUNDLE)


def test_the_shipped_cascade_spares_two_fifths_of_the_full_frame_s_arithmetic(shipped):
    """Crops around the true boxes of the generated sample: counted, so that no busy machine can move it."""
    detector, segmenter, card = shipped
    dataset = GeneratedSample(12, 7)
    samples = [dataset.load(name) for name in dataset.names]
    plans = [plan_crops(mask_to_boxes(s.mask, LabelSettings()), s.mask.shape, card.crop_halo) for s in samples]
    counted = cascade_multiply_adds(detector, segmenter, card.segmenter.multiple, samples[0].mask.shape, plans)
    assert counted["cascade"] == counted["detector"] + counted["segmenter"]
    assert counted["detector"] < 0.2 * counted["full_frame"]
    assert counted["ratio"] > 5 / 3


def test_pictures_without_cracks_cost_the_detector_alone(shipped):
    detector, segmenter, card = shipped
    nothing = [np.zeros((0, 4), np.int64)] * 4
    with torch.inference_mode():
        counted = cascade_multiply_adds(detector, segmenter, card.segmenter.multiple, (320, 480), nothing)
    assert counted["segmenter"] == 0
    assert counted["ratio"] > 5
