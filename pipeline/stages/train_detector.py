"""Stage *train detector*: from boxes to a trained RetinaNet, or to two that are kept as one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
from safetensors.torch import load_file, save_file

from models.detector_config import DetectorConfig
from models.start import mean_of_starts
from pipeline.settings import DetectorTrainSettings, RunSettings
from pipeline.stages.prepare import load_part, read_split, sets_of
from pipeline.storage.atomic import write_whole
from pipeline.training.augment import AUGMENTATIONS
from pipeline.training.calibrate import SECOND, read_calibration, told, write_calibration
from pipeline.training.calibrate_detector import calibrate_detector
from pipeline.training.detector import DetectorTrainee
from pipeline.training.from_start import train_from
from pipeline.training.loop import Report, Trained, pick_device


def train_detector(settings: RunSettings, prepared: Path, out: Path, report: Report) -> None:
    """Train stage 1 on the ``train`` part and calibrate it on ``val`` (`pipeline.training.calibrate`).

    Leaves what `pipeline.training.loop.train` leaves, and ``calibration.json``. Of two detectors (``detector.second``)
    each trains and is calibrated by itself, in folders of their own; ``best.safetensors`` then holds both, and
    ``history.parquet`` one training after the other.
    """
    train_part, val = (load_part(settings, prepared, part) for part in ("train", "val"))

    sets = sets_of(settings, read_split(prepared).val)
    augment = replace(AUGMENTATIONS[settings.detector_augment], other_cameras=settings.other_cameras)

    def alone(config: DetectorConfig, training: DetectorTrainSettings, out: Path, report: Report) -> Trained:
        trainee = DetectorTrainee(config, settings.labels, augment, training, settings.seed, train_part, val)
        start = mean_of_starts(training.starts, config) if training.start else {}
        device = pick_device(settings.device)
        trained = train_from(start, trainee, training, out, settings.seed, device, report)
        report(1, 1, told(calibrate_detector(trained.weights, config, val, sets, device)))
        return trained

    config = settings.detector
    if config.second is None:
        alone(config, settings.detector_training, out, report)
        return
    plain = config.model_copy(update={"second": None})
    first = alone(plain, settings.detector_training, out / "first", _named("first of two", report))
    second = alone(config.second, settings.second_training, out / "second", _named("second of two", report))
    later = second.history.assign(epoch=second.history["epoch"] + len(first.history))
    both = load_file(first.weights) | {f"second.{name}": weight for name, weight in load_file(second.weights).items()}
    write_whole(out / "best.safetensors", lambda path: save_file(both, path))
    fitted, others = (read_calibration(trained.weights.parent) for trained in (first, second))
    write_calibration(out, fitted | {f"{SECOND}{head}": each for head, each in others.items()})
    history = pd.concat([first.history, later], ignore_index=True)
    write_whole(out / "history.parquet", lambda path: history.to_parquet(path, index=False))


def _named(which: str, report: Report) -> Report:
    return lambda done, total, line: report(done, total, f"{which}: {line}" if line else "")
