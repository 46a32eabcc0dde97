import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from models.errors import DataError, TrainingError
from pipeline.settings import TrainSettings
from pipeline.training.batches import epoch_loader
from pipeline.training.loop import pick_device, train

CPU = torch.device("cpu")


class Line:
    """Fits y = 2x with a layer that also keeps batch statistics."""

    def __init__(self, fail_at=None, nan_at=None, score=None):
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(1, 8), nn.BatchNorm1d(8), nn.Linear(8, 1))
        self.fail_at, self.nan_at = fail_at, nan_at
        self.score = score or (lambda epoch, figures: -figures)
        self.steps = self.epoch = 0

    def batches_per_epoch(self):
        return 5

    def batches(self, epoch):
        self.epoch = epoch
        return epoch_loader(lambda _: torch.rand(1), 20, 4, seed=3, epoch=epoch, collate=torch.stack)

    def loss(self, batch, device):
        self.steps += 1
        if self.steps == self.fail_at:
            raise KeyboardInterrupt
        loss = ((self.model(batch) - 2 * batch) ** 2).mean()
        return loss * float("nan") if self.steps == self.nan_at else loss

    def validate(self, model, device):
        x = torch.linspace(0, 1, 9)[:, None]
        error = np.float64(((model(x) - 2 * x) ** 2).mean().item())  # as metrics come: a snapshot must hold it too
        return {"error": error, "score": self.score(self.epoch, error)}


def silent(*_):
    pass


SETTINGS = TrainSettings(epochs=4, batch=4, lr=0.05, ema=0.9)


@pytest.mark.parametrize("settings", [SETTINGS, SETTINGS.model_copy(update={"ema": 0.0})])
@pytest.mark.parametrize("fail_at", [1, 8, 11, 20])
def test_a_killed_and_resumed_training_equals_an_unbroken_one(tmp_path, settings, fail_at):
    whole = train(Line(), settings, tmp_path / "whole", 5, CPU, silent)
    with pytest.raises(KeyboardInterrupt):
        train(Line(fail_at), settings, tmp_path / "broken", 5, CPU, silent)
    resumed = train(Line(), settings, tmp_path / "broken", 5, CPU, silent)
    for epoch in range(1, settings.epochs + 1):
        name = f"epoch-{epoch:03d}.safetensors"
        expected, got = load_file(tmp_path / "whole" / name), load_file(tmp_path / "broken" / name)
        assert all(torch.equal(expected[key], got[key]) for key in expected)
    pd.testing.assert_frame_equal(whole.history.drop(columns="seconds"), resumed.history.drop(columns="seconds"))


def test_it_learns_and_leaves_a_snapshot_an_epoch(tmp_path):
    lines = []
    trained = train(Line(), SETTINGS, tmp_path, 5, CPU, lambda done, total, line: lines.append((done, total, line)))
    assert trained.history["loss"].iloc[-1] < 0.5 * trained.history["loss"].iloc[0]
    assert sorted(p.name for p in tmp_path.glob("epoch-*")) == [f"epoch-{n:03d}.safetensors" for n in (1, 2, 3, 4)]
    assert lines[-1][:2] == (20, 20)
    assert "epoch 4/4" in lines[-1][2]


def test_the_best_epoch_on_validation_is_kept(tmp_path):
    trained = train(Line(score=lambda epoch, _: [1, 3, 3, 2][epoch]), SETTINGS, tmp_path, 5, CPU, silent)
    assert trained.history["best"].tolist() == [False, False, True, False]  # of equals the later one
    best, third = load_file(trained.weights), load_file(tmp_path / "epoch-003.safetensors")
    assert all(torch.equal(best[key], third[key]) for key in best)


def test_a_finished_training_is_not_trained_again(tmp_path):
    train(Line(), SETTINGS, tmp_path, 5, CPU, silent)
    again = Line()
    train(again, SETTINGS, tmp_path, 5, CPU, silent)
    assert again.steps == 0


def test_a_loss_that_is_not_finite_stops_and_keeps_the_snapshots(tmp_path):
    with pytest.raises(TrainingError, match="nan in epoch 2, batch 3") as caught:
        train(Line(nan_at=8), SETTINGS, tmp_path, 5, CPU, silent)
    assert "learning rate" in caught.value.remedy
    assert (tmp_path / "epoch-001.safetensors").exists()


def test_a_truncated_snapshot_is_named(tmp_path):
    train(Line(), SETTINGS.model_copy(update={"epochs": 1}), tmp_path, 5, CPU, silent)
    snapshot = tmp_path / "resume.pt"
    snapshot.write_bytes(snapshot.read_bytes()[:200])
    with pytest.raises(TrainingError, match=r"resume\.pt") as caught:
        train(Line(), SETTINGS, tmp_path, 5, CPU, silent)
    assert "Delete" in caught.value.remedy


def test_a_full_disk_is_told_and_leaves_no_half_file(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipeline.training.snapshots.save_file", full)
    with pytest.raises(DataError, match="No space left"):
        train(Line(), SETTINGS, tmp_path, 5, CPU, silent)
    assert list(tmp_path.iterdir()) == []


def test_devices():
    assert pick_device("cpu").type == "cpu"
    assert pick_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    if not torch.cuda.is_available():
        with pytest.raises(TrainingError, match="no CUDA GPU"):
            pick_device("cuda")
