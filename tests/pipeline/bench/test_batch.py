import numpy as np
import pytest
import torch

from models.segmenter import build_segmenter
from pipeline.bench.batch import as_jpeg, cascade_batch, forward_alone, full_frame_batch, resized, stages
from pipeline.cascade.cascade import Cascade
from pipeline.datasets.generated.sample import GeneratedSample
from pipeline.settings import CropSettings
from tests.tiny import SEGMENTER, eager_detector


@pytest.fixture(scope="module")
def cascade():
    torch.manual_seed(0)
    networks = eager_detector(), build_segmenter(SEGMENTER)
    return Cascade(*networks, SEGMENTER, CropSettings(), 0.01, 0.2, torch.device("cpu"), "torch", streams=2)


@pytest.fixture(scope="module")
def files():
    dataset = GeneratedSample(6, 0)
    return [as_jpeg(dataset.load(name).image) for name in dataset.names] * 3


def test_threads_change_nothing(cascade, files):
    assert cascade_batch(cascade, files, 1) == cascade_batch(cascade, files, 2) > 0
    assert full_frame_batch(cascade, files, 1) == full_frame_batch(cascade, files, 2) > 0


def test_stages_tell_where_the_time_goes_and_what_was_computed(cascade, files):
    runtime = cascade.runtime
    spent, inputs = stages(cascade, files)
    assert cascade.runtime is runtime
    assert set(spent) == {"decode", "detect", "boxes", "segment", "crops"}
    assert all(milliseconds > 0 for milliseconds in spent.values())
    assert sum(len(images) for stage, images in inputs if stage == "detector") == len(files)
    assert any(stage == "segmenter" for stage, _ in inputs)
    forward_alone(runtime, inputs, 2)


def test_larger_pictures_are_more_road_not_larger_cracks():
    image = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    larger = resized(image, 10, 9)
    assert larger.shape == (10, 9, 3)
    assert (larger[:4, :6] == image).all()
    assert (larger[4:8, :6] == image[::-1]).all()
    assert (resized(image, 2, 3) == image[:2, :3]).all()
