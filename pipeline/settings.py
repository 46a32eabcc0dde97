"""Every setting of a run as one pydantic model, which the Prefect UI shows as a form."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from models.coarse_mask import BoxSplitting
from models.detector_config import DetectorConfig
from models.errors import UsageError
from models.misspelt import plainly
from models.segmenter import MOST_HALO_PX, SegmenterConfig
from pipeline.dataset_settings import DatasetName as DatasetName
from pipeline.dataset_settings import DatasetSettings as DatasetSettings
from pipeline.dataset_settings import HomePath as HomePath
from pipeline.dataset_settings import PartSettings as PartSettings
from pipeline.dataset_settings import Settings as Settings
from pipeline.dataset_settings import WindowSettings as WindowSettings
from pipeline.presets import PRESETS

PresetName = Literal["fast", "finetune", "brief", "accurate", "paper", "smoke", "sample"]


class LabelSettings(Settings):
    """How a mask becomes boxes (`pipeline.datasets.boxes`)."""

    method: Literal["split", "component"] = "split"
    max_side: int = Field(96, ge=8, description="Longest side of a box before padding, px")
    padding: int = Field(4, ge=0, le=256, description="Added on every side, px")
    close_gap: int = Field(5, ge=0, le=256, description="Pieces this near to each other count as one crack, px")


class TrainSettings(Settings):
    """How one network trains (`pipeline.training.loop`)."""

    start: HomePath | None = Field(None, description="Bundle whose weights training starts from; none: ImageNet's")
    start_others: tuple[HomePath, ...] = Field(
        (), description="Further bundles of its shape: training starts from the mean of all their weights"
    )
    start_share: float = Field(
        0, ge=0, lt=1, description="Share of the start's weights in those kept: trained and start are averaged"
    )
    epochs: int = Field(60, ge=0, description="0: the start is taken as it is")
    batch: int = Field(4, ge=1)
    lr: float = Field(1e-3, gt=0)
    ema: float = Field(0.99, ge=0, lt=1, description="Decay of the averaged weights that are kept; 0 for none")
    validate_every: int = Field(3, ge=1, description="Epochs between two validations")

    @property
    def starts(self) -> tuple[Path, ...]:
        """Bundles whose weights training starts from the mean of; none: ImageNet's."""
        return () if self.start is None else (self.start, *self.start_others)


class DetectorTrainSettings(TrainSettings):
    """The same with the defaults of stage 1, whose validation is for the eye: no epoch is chosen by it."""

    validate_every: int = Field(10, ge=1, description="Epochs between two validations")


class SegmenterTrainSettings(TrainSettings):
    """The same with the defaults of stage 2."""

    epochs: int = Field(40, ge=0, description="0: the start is taken as it is")
    batch: int = Field(8, ge=1)
    items_per_sample: int = Field(1, ge=1, le=1000, description="Crops drawn from each picture in an epoch")


class CropSettings(Settings):
    """How detections become crops (`pipeline.cascade.crops`)."""

    halo: int = Field(2, ge=0, le=MOST_HALO_PX, description="Least context around a box that the segmenter sees, px")
    train_side: int = Field(224, ge=32, le=2048, multiple_of=32, description="Side of a training crop, px")


class ThresholdSettings(Settings):
    """Where the operating point comes from: always validation data, or a constant."""

    score: float | None = Field(None, ge=0, le=1, description="Fixed detector threshold; none: chosen on validation")
    coarse_mask: float | None = Field(
        None, ge=0, le=1, description="Fixed threshold of the coarse mask; none: chosen on validation"
    )
    target_error: float = Field(0.01, gt=0, le=1, description="Highest segmentation error allowed on validation")
    target_precision: float = Field(0.99, ge=0, le=1, description="Precision of boxes wanted on validation")
    probability: float | None = Field(None, ge=0, le=1, description="Fixed mask threshold; none: chosen on validation")


class LimitSettings(Settings):
    """Figures that a run should keep to; the event of a finished run says whether it did. Nothing fails by them."""

    precision: float | None = Field(None, ge=0, le=1, description="Lowest precision of boxes")
    segmentation_error: float | None = Field(None, ge=0, le=1, description="Highest segmentation error")
    data_reduction: float | None = Field(None, ge=0, le=1, description="Lowest data reduction")


class RunSettings(Settings):
    """One run of the experiment, whole."""

    preset: PresetName = "fast"
    seed: int = Field(2018, ge=0, lt=2**32)
    detector_tta: bool = Field(
        False, description="Test-time augmentation of stage 1: the picture turned by 180° too, in twice the time"
    )
    segmenter_tta: bool = Field(
        False, description="The same of stage 2: mirror images, two of them enlarged, in five times the time"
    )
    licence: Literal["any", "commercial"] = Field(
        "any", description="commercial: refuse data, and bundles to learn from, whose terms do not allow commercial use"
    )
    device: Literal["auto", "cpu", "cuda"] = "auto"
    dataset: DatasetSettings = DatasetSettings()
    labels: LabelSettings = LabelSettings()
    detector: DetectorConfig = DetectorConfig()
    detector_augment: Literal["full", "flip"] = Field(
        "full", description="Random changes to stage 1's training pictures: all, or mirroring alone as in the paper"
    )
    other_cameras: bool = Field(
        False, description="Training pictures also as other cameras take them: grey, other colours, coarser, compressed"
    )
    detector_training: DetectorTrainSettings = DetectorTrainSettings()
    second_training: DetectorTrainSettings = Field(
        DetectorTrainSettings(), description="How detector.second trains, where there is one"
    )
    box_splitting: BoxSplitting = BoxSplitting()
    crops: CropSettings = CropSettings()
    segmenter: SegmenterConfig = SegmenterConfig()
    segmenter_training: SegmenterTrainSettings = SegmenterTrainSettings()
    thresholds: ThresholdSettings = ThresholdSettings()
    limits: LimitSettings = LimitSettings()
    figures: int = Field(8, ge=0, description="Test pictures shown in the report")

    @model_validator(mode="after")
    def _nothing_is_idle(self) -> Self:
        """Refuse what would do nothing: who sets it believes that it does something."""
        idle = {}
        if not self.detector.coarse_mask:
            idle = {
                "detector_tta": self.detector_tta,
                "thresholds.coarse_mask": self.thresholds.coarse_mask is not None,
                "box_splitting": self.box_splitting != BoxSplitting(),
            }
        for name in (name for name, given in idle.items() if given):
            raise ValueError(f"{name} does nothing for a detector without a coarse mask (detector.coarse_mask)")
        if self.detector.second is None and self.second_training != DetectorTrainSettings():
            raise ValueError("second_training does nothing without a second detector (detector.second)")
        for name in ("detector_training", "second_training", "segmenter_training"):
            training: TrainSettings = getattr(self, name)
            if training.start is None and (training.start_share or training.start_others):
                raise ValueError(f"{name}.start_share and start_others do nothing without {name}.start")
            if training.start is None and not training.epochs:
                raise ValueError(f"{name}.epochs=0 leaves nothing: it takes {name}.start as it is")
            if training.start_share and not training.epochs:
                raise ValueError(f"{name}.start_share does nothing with epochs=0: nothing is trained to average with")
        if self.dataset.name not in ("pool", "folder") and self.dataset.windows != WindowSettings():
            raise ValueError("dataset.windows does nothing here: pictures of a pool and large ones of a folder are cut")
        if self.dataset.name != "pool" and self.dataset.parts:
            raise ValueError("dataset.parts does nothing for one data set: parts are of dataset=pool")
        if self.dataset.name != "sample" and self.dataset.sample_closest != 1:
            raise ValueError("dataset.sample_closest does nothing for photographs: it is for dataset=sample")
        if self.dataset.name != "pool" and self.dataset.leave_out is not None:
            raise ValueError("dataset.leave_out does nothing where there are no parts: it is for dataset=pool")
        return self

    def on_split(self, split: str) -> RunSettings:
        """The same run on another split."""
        return self.model_copy(update={"dataset": self.dataset.model_copy(update={"split": split})})


# What settings were called before, and are refused with.
RENAMED = {
    "look_again": "detector_tta and segmenter_tta",
    "cells": "box_splitting",
    "detector.fold": "detector.space_to_depth",
    "detector.cells": "detector.coarse_mask",
    "detector.second.fold": "detector.second.space_to_depth",
    "detector.second.cells": "detector.second.coarse_mask",
    "thresholds.cell": "thresholds.coarse_mask",
    "dataset.windows.joints": "look_alikes of each part",
    "dataset.windows.look_alikes": "look_alikes of each part",
}


def make_settings(preset: str, overrides: dict[str, Any] | None = None) -> RunSettings:
    """Build the settings of a preset, with `overrides` (nested, or dotted keys) laid over it.

    Raises:
        UsageError: the preset or a setting does not exist, or a value does not fit.

    >>> make_settings("fast", {"labels.max_side": 64}).labels.max_side
    64
    """
    if preset not in PRESETS:
        raise UsageError(f"There is no preset {preset!r}.", f"Choose one of: {', '.join(PRESETS)}.")
    merged: dict[str, Any] = {"preset": preset}
    _lay_over(merged, PRESETS[preset])
    _lay_over(merged, _nest(overrides or {}))
    try:
        return RunSettings.model_validate(merged)
    except ValidationError as error:
        raise UsageError(
            "Settings that do not fit:\n" + "\n".join(map(_told, error.errors())),
            "`crack-survey run --help` shows how settings are given; pipeline/settings.py lists them all.",
        ) from error


def _told(problem: ErrorDetails) -> str:
    key, given = ".".join(map(str, problem["loc"])), problem["input"]
    told = f"It is called {RENAMED[key]} now" if key in RENAMED else plainly(problem, RunSettings)
    of_several = problem["type"] == "value_error" and isinstance(given, dict)
    return f"  {f'{key}: ' if key else ''}{told}" + ("" if of_several else f" (got {given!r})")


def _nest(flat: dict[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for dotted, value in flat.items():
        *parents, last = dotted.split(".")
        level = nested
        for parent in parents:
            level = level.setdefault(parent, {})
            if not isinstance(level, dict):
                raise UsageError(f"Setting {dotted!r} lies below a value.", "Give either the group or its parts.")
        level[last] = value
    return nested


def _lay_over(base: dict[str, Any], top: dict[str, Any]) -> None:
    for key, value in top.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            _lay_over(base[key], value)
        elif isinstance(value, dict):
            base[key] = {}
            _lay_over(base[key], value)
        else:
            base[key] = value


def home() -> Path:
    """Where runs and records go: `CRACK_SURVEY_HOME`, or ``data/`` below the working directory."""
    return HomeSettings().home.expanduser()


class HomeSettings(BaseSettings):
    """Read from the environment."""

    model_config = SettingsConfigDict(env_prefix="CRACK_SURVEY_")
    home: Path = Path("data")
