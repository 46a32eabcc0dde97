import numpy as np
import pytest
import torch

from pipeline.bench.batch import as_jpeg, cascade_batch, forward_alone, full_frame_batch, resized, stages
from pipeline.datasets.generated.sample import GeneratedSample
from tests.tiny import tiny_cascade


@pytest.fixture(scope="module")
def cascade():
    torch.manual_seed(0)
    return tiny_cascade(score=0.01, streams=2)


@pytest.fixture(scope="module")
def files():
    dataset = GeneratedSample(6, 0, 192, 128)
    return [as_jpeg(dataset.load(name).image) for name in dataset.names] * 3


def test_threads_change_nothing(cascade, files):
    assert cascade_batch(cascade, files, 1) == cascade_batch(cascade, files, 2) > 0
    assert full_frame_batch(cascade, files, 1) == full_frame_batch(cascade, files, 2) > 0


def test_stages_tell_where_the_time_goes_and_what_was_computed(cascade, files):
    networks = cascade.stage1.network, cascade.stage2.network
    spent, inputs = stages(cascade, files)
    assert (cascade.stage1.network, cascade.stage2.network) == networks
    assert set(spent) == {"decode", "detect", "boxes", "segment", "crops"}
    assert all(milliseconds > 0 for milliseconds in spent.values())
    assert sum(len(images) for images in inputs.detector) == len(files)
    assert inputs.segmenter
    forward_alone(cascade, inputs, 2)


def test_larger_pictures_are_more_road_not_larger_cracks():
    image = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    larger = resized(image, 10, 9)
    assert larger.shape == (10, 9, 3)
    assert (larger[:4, :6] == image).all()
    assert (larger[4:8, :6] == image[::-1]).all()
    assert (resized(image, 2, 3) == image[:2, :3]).all()
