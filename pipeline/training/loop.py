"""The one loop that both networks train in: seeded, snapshotted after every epoch, resumable to the same result."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from models.errors import TrainingError
from pipeline.settings import TrainSettings
from pipeline.storage.atomic import write_whole
from pipeline.training.snapshots import mark_best, read_snapshot, write_snapshot

WEIGHT_DECAY = 1e-4  # of convolutions, as RetinaNet (Lin et al. 2017, section 4.1)
WARM_UP = 0.1  # share of the steps in which the learning rate rises
MOST_NORM = 5.0  # of the gradient; RetinaNet's first steps on few pictures go far beyond

Report = Callable[[int, int, str], None]  # (steps done, steps in all, one line about where it stands)


class Trainee(Protocol):
    """What the loop needs to know of a network and its data."""

    @property
    def model(self) -> nn.Module:
        """Network to train; made once, under the seed."""

    def batches(self, epoch: int) -> Iterable[Any]:
        """Training batches of one epoch; the same for the same epoch and seed, whatever ran before."""

    def batches_per_epoch(self) -> int:
        """How many batches `batches` yields."""

    def loss(self, batch: Any, device: torch.device) -> Tensor:
        """Scalar loss of one batch under the current weights."""

    def validate(self, model: nn.Module, device: torch.device) -> dict[str, float]:
        """Figures on validation data; ``"score"``, higher is better, decides which epoch is best; else the last is."""


@dataclass(frozen=True)
class Trained:
    """Outcome of a training.

    Attributes:
        weights: safetensors file of the best epoch.
        history: one row an epoch: ``epoch, loss, lr, seconds, device, best`` and validation figures with prefix
            ``val_``.
    """

    weights: Path
    history: pd.DataFrame


def pick_device(wanted: str) -> torch.device:
    """Resolve ``auto`` to CUDA where there is a GPU, else to the CPU.

    Raises:
        TrainingError: ``cuda`` was asked for and there is none.
    """
    if wanted == "cuda" and not torch.cuda.is_available():
        raise TrainingError("There is no CUDA GPU on this machine.", "Use --device auto or --device cpu.")
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(wanted)


def device_name(device: torch.device) -> str:
    """``cpu``, or what the GPU calls itself."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def train(
    trainee: Trainee, settings: TrainSettings, out: Path, seed: int, device: torch.device, report: Report
) -> Trained:
    """Train until ``settings.epochs``, going on from the last snapshot in `out` where there is one.

    Leaves in `out`: ``epoch-NNN.safetensors`` (the weights after every epoch, averaged ones if ``settings.ema``),
    ``best.safetensors``, ``history.parquet`` and, until the end, ``resume.pt`` with all that the next epoch needs.
    On the CPU an interrupted and resumed training gives the same weights, bit for bit, as an unbroken one.

    Raises:
        TrainingError: the loss is not finite, or a snapshot cannot be read or written.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    model = trainee.model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = _averaged(model, settings.ema)
    optimizer = _make_optimizer(model, settings)
    per_epoch = trainee.batches_per_epoch()
    total = per_epoch * settings.epochs
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, total))
    history: list[dict[str, Any]] = []
    if (out / "resume.pt").exists():
        history = read_snapshot(out / "resume.pt", model, average.module, optimizer, scheduler)
        average.n_averaged += len(history) * per_epoch
        report(len(history) * per_epoch, total, f"going on after epoch {len(history)}")

    for epoch in range(len(history), settings.epochs):
        began = time.perf_counter()
        torch.manual_seed(seed * 100_003 + epoch)
        losses = _train_epoch(trainee, model, average, optimizer, scheduler, settings, epoch, device, report)
        row: dict[str, float] = {
            "epoch": epoch + 1,
            "loss": sum(losses) / len(losses),
            "lr": float(scheduler.get_last_lr()[0]),
        }
        if (epoch + 1) % settings.validate_every == 0 or epoch + 1 == settings.epochs:
            average.eval()
            with torch.inference_mode():
                row |= {f"val_{key}": float(value) for key, value in trainee.validate(average.module, device).items()}
        history.append(row | {"seconds": time.perf_counter() - began, "device": device_name(device)})
        write_snapshot(out, epoch + 1, model, average.module, optimizer, scheduler, history)
        report((epoch + 1) * per_epoch, total, _line(row, settings.epochs))

    frame = mark_best(pd.DataFrame(history))
    best = int(frame.loc[frame["best"], "epoch"].iloc[0])
    write_whole(
        out / "best.safetensors", lambda path: save_file(load_file(out / f"epoch-{best:03d}.safetensors"), path)
    )
    write_whole(out / "history.parquet", lambda path: frame.to_parquet(path, index=False))
    return Trained(out / "best.safetensors", frame)


def _train_epoch(
    trainee: Trainee,
    model: nn.Module,
    average: AveragedModel,
    optimizer: torch.optim.Optimizer,
    scheduler: torch.optim.lr_scheduler.LambdaLR,
    settings: TrainSettings,
    epoch: int,
    device: torch.device,
    report: Report,
) -> list[float]:
    model.train()
    losses: list[float] = []
    per_epoch = trainee.batches_per_epoch()
    for done, batch in enumerate(trainee.batches(epoch), start=1):
        with torch.autocast(device.type, torch.bfloat16, enabled=_half_precision_pays(device)):
            loss = trainee.loss(batch, device)
        if not math.isfinite(value := loss.item()):
            raise TrainingError(
                f"The loss became {value} in epoch {epoch + 1}, batch {done}.",
                "Lower the learning rate (--set detector_training.lr=…, or second_training or segmenter_training) and "
                "start again; the snapshots of earlier epochs are kept.",
            )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), MOST_NORM)
        optimizer.step()
        scheduler.step()
        average.update_parameters(model)
        losses.append(value)
        report(epoch * per_epoch + done, per_epoch * settings.epochs, "")
    return losses


def _half_precision_pays(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 in hardware: elsewhere it is emulated, slower than float32."""
    capabilities = torch.cpu.get_capabilities()
    return device.type == "cuda" or any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))


def _make_optimizer(model: nn.Module, settings: TrainSettings) -> torch.optim.Optimizer:
    weights = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]  # biases and norms are not decayed
    groups = [{"params": weights, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=settings.lr, fused=True)


def _rate(step: int, total: int) -> float:
    """Share of the full learning rate: linear warm-up, then half a cosine (Loshchilov and Hutter 2017)."""
    rising = max(1, round(total * WARM_UP))
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, total - rising)))


def _averaged(model: nn.Module, decay: float) -> AveragedModel:
    """Exponential moving average of weights and statistics; the decay grows from 0 so that the start is forgotten."""

    @torch.no_grad()
    def mix(kept: Any, new: Any, step: Tensor | int) -> None:
        if kept[0].is_floating_point():
            ema = get_ema_multi_avg_fn(min(decay, int(step) / (int(step) + 10)))  # type: ignore[no-untyped-call]
            ema(kept, new, step)
        else:
            for one, other in zip(kept, new, strict=True):
                one.copy_(other)

    average = AveragedModel(model, multi_avg_fn=mix, use_buffers=True)
    average.n_averaged += 1  # the untrained weights: else the first step would replace them, not mix
    return average


def _line(row: dict[str, float], epochs: int) -> str:
    figures = "  ".join(
        f"{key.removeprefix('val_')} {value:.4g}" for key, value in row.items() if key not in ("epoch", "lr")
    )
    return f"epoch {row['epoch']:.0f}/{epochs}  {figures}"
