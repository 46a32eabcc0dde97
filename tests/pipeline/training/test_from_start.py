import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import nn

from models.errors import TrainingError, UsageError
from pipeline.settings import TrainSettings, make_settings
from pipeline.training.from_start import mean_of, train_from


class Line:
    """A trainee of one weight that should become 3."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.model = nn.Linear(1, 1, bias=False)

    def batches(self, epoch):
        return [torch.ones(2, 1)] * 20

    def batches_per_epoch(self):
        return 20

    def loss(self, batch, device):
        return (self.model(batch) - 3).square().mean()

    def validate(self, model, device):
        return {}


def kept(tmp_path, share):
    settings = TrainSettings(epochs=2, lr=0.1, start_share=share, ema=0)
    start = {"weight": torch.tensor([[-5.0]])}
    trained = train_from(start, Line(), settings, tmp_path / f"{share}", 1, torch.device("cpu"), lambda *_: None)
    return float(load_file(trained.weights)["weight"]), trained


def test_what_is_kept_lies_between_the_start_and_what_was_trained(tmp_path) -> None:
    whole, _ = kept(tmp_path, 0)
    half, trained = kept(tmp_path, 0.5)
    assert whole > -5
    assert half == pytest.approx((whole - 5) / 2)
    assert isinstance(trained.history, pd.DataFrame)


def test_without_an_epoch_the_start_is_kept_as_it_is(tmp_path) -> None:
    for _ in range(2):  # asked for again, too
        start = {"weight": torch.tensor([[-5.0]])}
        settings = TrainSettings(epochs=0, start=tmp_path)
        trained = train_from(start, Line(), settings, tmp_path / "0", 1, torch.device("cpu"), lambda *_: None)
        assert float(load_file(trained.weights)["weight"]) == -5
        assert trained.history["epoch"].tolist() == [0]
    with pytest.raises(TrainingError, match="1 weights stay as they were drawn, such as weight"):
        train_from({}, Line(), settings, tmp_path / "0", 1, torch.device("cpu"), lambda *_: None)


def test_a_training_that_was_done_and_is_asked_for_again_gives_the_same(tmp_path) -> None:
    once, again = kept(tmp_path, 0.25)[0], kept(tmp_path, 0.25)[0]
    assert once == again


@given(st.floats(0, 1), st.floats(-10, 10), st.floats(-10, 10))
def test_the_mean_is_weighted_and_leaves_counters_and_new_weights_alone(share, old, new) -> None:
    start = {"a": torch.tensor([old], dtype=torch.float16), "count": torch.tensor(7)}
    trained = {"a": torch.tensor([new]), "count": torch.tensor(9), "b": torch.tensor([1.0])}
    mean = mean_of(start, trained, share)
    assert float(mean["a"]) == pytest.approx(share * float(start["a"]) + (1 - share) * new, abs=1e-4)
    assert (int(mean["count"]), float(mean["b"])) == (9, 1.0)


def test_a_share_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match=r"segmenter_training\.start_share and start_others do nothing"):
        make_settings("fast", {"segmenter_training.start_share": 0.5})
    with pytest.raises(UsageError, match="start_others do nothing"):
        make_settings("fast", {"segmenter_training.start_others": ["somewhere"]})
    with pytest.raises(UsageError, match="epochs=0 leaves nothing"):
        make_settings("fast", {"segmenter_training.epochs": 0})
    averaged = {"segmenter_training": {"start": "somewhere", "epochs": 0, "start_share": 0.5}}
    with pytest.raises(UsageError, match=r"start_share does nothing with epochs=0"):
        make_settings("fast", averaged)
