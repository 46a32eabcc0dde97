"""Regression benchmark of the hot path: times are recorded, never judged (`pytest --benchmark-autosave` keeps them)."""

from pathlib import Path

import pytest

from pipeline.cascade.cascade import Cascade
from pipeline.cascade.crops import plan_crops
from pipeline.datasets.generated.sample import GeneratedSample

BUNDLE = Path(__file__).parents[3] / "data" / "bundles" / "crackforest-fast"


@pytest.fixture(scope="module")
def cascade():
    return Cascade.load(BUNDLE)


@pytest.fixture(scope="module")
def images():
    dataset = GeneratedSample(8, 0)
    return [dataset.load(name).image for name in dataset.names]


def run(benchmark, work, *arguments):
    return benchmark.pedantic(work, arguments, rounds=3, warmup_rounds=1)


def test_cascade(benchmark, cascade, images):
    assert len(run(benchmark, cascade.look, images)) == len(images)


def test_full_frame(benchmark, cascade, images):
    assert len(run(benchmark, cascade.stage2.full_frame, images)) == len(images)


def test_detector(benchmark, cascade, images):
    assert len(run(benchmark, cascade.stage1.detect, images, cascade.thresholds.score)) == len(images)


def test_planning(benchmark, cascade, images):
    boxes = [boxes for boxes, _ in cascade.stage1.detect(images, 0.05)]
    plans = run(benchmark, lambda: [plan_crops(each, (320, 480), 8) for each in boxes])
    assert len(plans) == len(images)
