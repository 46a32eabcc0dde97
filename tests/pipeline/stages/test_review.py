"""A first training's look at training pictures: what it finds beyond the labels."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import pipeline.stages.review
from models.errors import UserError
from models.shipped import shipped_bundle
from pipeline.datasets.generated.sample import GeneratedSample
from pipeline.stages.review import BESIDE_PX, Reviewer


def test_what_lies_beside_a_label_is_the_labelled_crack(monkeypatch: pytest.MonkeyPatch) -> None:
    labelled, found = np.zeros((60, 60), bool), np.zeros((60, 60), bool)
    labelled[30, :30] = True
    found[30 + BESIDE_PX, :10] = found[30, 28:50] = found[50, 5:20] = True
    fake = SimpleNamespace(load=lambda bundle: lambda image: SimpleNamespace(mask=found))
    monkeypatch.setattr(pipeline.stages.review, "Cascade", fake)
    beyond = Reviewer(Path("anywhere"))(np.zeros((60, 60, 3), np.uint8), labelled)
    expected = found.copy()
    expected[30 + BESIDE_PX, :10] = False
    expected[30, : 30 + BESIDE_PX] = False
    assert np.array_equal(beyond, expected)


def test_a_bundle_finds_cracks_that_nobody_labelled() -> None:
    made = GeneratedSample(count=6)
    sample = next(sample for sample in map(made.load, made.names) if sample.mask.mean() > 0.01)
    review = Reviewer(shipped_bundle("roads"))
    nothing = np.zeros_like(sample.mask)
    assert review(sample.image, nothing)[sample.mask].mean() > 0.3
    assert not review(sample.image, sample.mask)[sample.mask].any()


def test_a_folder_without_a_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError):
        Reviewer(tmp_path)
