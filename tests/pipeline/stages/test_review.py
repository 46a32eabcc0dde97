"""A first training's look at training pictures."""

from pathlib import Path

import pytest
import torch

from models.errors import UserError
from models.shipped import shipped_bundle
from pipeline.datasets.generated.sample import GeneratedSample
from pipeline.stages.review import Reviewer


def test_a_bundle_finds_cracks() -> None:
    made = GeneratedSample(count=6)
    sample = next(sample for sample in map(made.load, made.names) if sample.mask.mean() > 0.01)
    found = Reviewer(shipped_bundle("roads"), torch.device("cpu"))(sample.image)
    assert found.shape == sample.mask.shape
    assert found[sample.mask].mean() > 0.3
    assert found[~sample.mask].mean() < 0.1


def test_a_folder_without_a_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError):
        Reviewer(tmp_path, torch.device("cpu"))
