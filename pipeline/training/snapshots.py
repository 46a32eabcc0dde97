"""What a training leaves after every epoch, so that it goes on from there as if it had never stopped."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from safetensors.torch import save_file
from torch import nn

from models.errors import TrainingError
from pipeline.storage.atomic import write_whole


def write_snapshot(
    out: Path,
    epoch: int,
    model: nn.Module,
    average: nn.Module,
    optimizer: torch.optim.Optimizer,
    scheduler: torch.optim.lr_scheduler.LambdaLR,
    history: list[dict[str, Any]],
) -> None:
    """Keep the weights of an epoch, counted from 1, the history, and all that the next epoch needs."""
    weights = {name: tensor.contiguous() for name, tensor in average.state_dict().items()}
    state = {
        "model": model.state_dict(),
        "average": weights,
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
        "history": history,
    }
    write_whole(out / f"epoch-{epoch:03d}.safetensors", lambda path: save_file(weights, path))
    write_whole(out / "history.parquet", lambda path: mark_best(pd.DataFrame(history)).to_parquet(path, index=False))
    write_whole(out / "resume.pt", lambda path: torch.save(state, path))


def read_snapshot(
    path: Path,
    model: nn.Module,
    average: nn.Module,
    optimizer: torch.optim.Optimizer,
    scheduler: torch.optim.lr_scheduler.LambdaLR,
) -> list[dict[str, Any]]:
    """Bring everything to where a snapshot was written, and give the history up to there.

    Raises:
        TrainingError: it cannot be read.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        scheduler.load_state_dict(state["scheduler"])
        history: list[dict[str, Any]] = state["history"]
    except Exception as error:  # torch raises many kinds for a truncated or foreign file
        raise TrainingError(
            f"The snapshot {path} cannot be read: {str(error).splitlines()[0]}",
            f"Delete {path.parent} to train from the start, or put an intact copy of the file in its place.",
        ) from error
    return history


def mark_best(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the column ``best``: the epoch with the highest validation score, the later one of equals."""
    score = frame["val_score"] if "val_score" in frame else pd.Series(-math.inf, index=frame.index)
    score = score.fillna(-math.inf)
    best = score[::-1].idxmax()
    return frame.assign(best=frame.index == best)
