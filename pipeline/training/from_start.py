"""Training that goes on from the weights of a bundle, and may keep a share of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from models.errors import TrainingError
from pipeline.settings import TrainSettings
from pipeline.storage.atomic import write_whole
from pipeline.training.loop import Report, Trained, Trainee, device_name, train
from pipeline.training.snapshots import mark_best


def train_from(
    start: Mapping[str, Tensor],
    trainee: Trainee,
    settings: TrainSettings,
    out: Path,
    seed: int,
    device: torch.device,
    report: Report,
) -> Trained:
    """Train a network that begins with the weights `start`; what these lack stays as it was built.

    Leaves what `pipeline.training.loop.train` leaves; with ``settings.start_share`` the kept weights,
    ``best.safetensors``, are the mean of the start's and the trained ones, so weighted. A network so made knows the new
    pictures nearly as well as the trained one, and has forgotten less of the others (Wortsman et al. 2022, "Robust
    fine-tuning of zero-shot models", arXiv 2109.01903). Without an epoch the start is kept as it is.

    Raises:
        TrainingError: of `train`; without an epoch, the start lacks weights that the network needs.
    """
    trainee.model.load_state_dict(start, strict=False)
    if not settings.epochs:
        return _as_it_is(start, trainee, out, device)
    trained = train(trainee, settings, out, seed, device, report)
    if settings.start_share:
        weights = mean_of(start, load_file(trained.weights), settings.start_share)
        write_whole(trained.weights, lambda path: save_file(weights, path))
    return trained


def _as_it_is(start: Mapping[str, Tensor], trainee: Trainee, out: Path, device: torch.device) -> Trained:
    weights = {name: tensor.contiguous() for name, tensor in trainee.model.state_dict().items()}
    if lacking := [name for name in weights if name not in start]:
        raise TrainingError(
            f"Without an epoch of training {len(lacking)} weights stay as they were drawn, such as {lacking[0]}: "
            "the start's network is built differently.",
            "Train for an epoch or more, or choose the preset and settings of the start.",
        )
    out.mkdir(parents=True, exist_ok=True)
    row = {"epoch": 0, "loss": math.nan, "lr": 0.0, "seconds": 0.0, "device": device_name(device)}
    history = mark_best(pd.DataFrame([row]))
    write_whole(out / "best.safetensors", lambda path: save_file(weights, path))
    write_whole(out / "history.parquet", lambda path: history.to_parquet(path, index=False))
    return Trained(out / "best.safetensors", history)


def mean_of(start: Mapping[str, Tensor], trained: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """Weights between two networks of one shape.

    Args:
        start: by name; of names that are absent, and of whole numbers (counters), the trained ones stay.
        trained: by name.
        share: of the start, 0–1.
    """
    return {
        name: new.lerp(start[name].to(new.dtype), share) if name in start and new.is_floating_point() else new
        for name, new in trained.items()
    }
