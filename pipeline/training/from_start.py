"""Training that goes on from the weights of a bundle, and may keep a share of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from pipeline.settings import TrainSettings
from pipeline.storage.atomic import write_whole
from pipeline.training.loop import Report, Trained, Trainee, train


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
    fine-tuning of zero-shot models", arXiv 2109.01903).
    """
    trainee.model.load_state_dict(start, strict=False)
    trained = train(trainee, settings, out, seed, device, report)
    if settings.start_share:
        weights = mean_of(start, load_file(trained.weights), settings.start_share)
        write_whole(trained.weights, lambda path: save_file(weights, path))
    return trained


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
