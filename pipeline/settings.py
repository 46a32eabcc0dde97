"""Every setting of a run as one pydantic model, and the presets. The Prefect UI shows it as a form."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from models.cells import CellCuts
from models.detector import DetectorConfig
from models.errors import UsageError
from models.segmenter import SegmenterConfig

DatasetName = Literal["sample", "crackforest", "deepcrack", "dnit", "folder"]
PresetName = Literal["fast", "finetune", "accurate", "paper", "smoke"]


class Settings(BaseModel):
    """Base: unknown keys are an error, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DatasetSettings(Settings):
    """Which samples, and how they are split."""

    name: DatasetName = "sample"
    root: Path | None = Field(None, description="Folder of the data set; none for the generated sample")
    split: str = Field("paper", description="paper, fold0 … fold4, or folds for all five")
    split_seed: int = 2018
    use_negatives: bool = Field(True, description="Train on unlabelled crack-free pictures too, where there are any")
    sample_count: int = Field(48, ge=6, description="Pictures that the generated sample holds")
    sample_seed: int = 7


class LabelSettings(Settings):
    """How a mask becomes boxes (`pipeline.datasets.boxes`)."""

    method: Literal["split", "component"] = "split"
    max_side: int = Field(96, ge=8, description="Longest side of a box before padding, px")
    padding: int = Field(4, ge=0, description="Added on every side, px")
    close_gap: int = Field(5, ge=0, description="Pieces this near to each other count as one crack, px")


class AugmentSettings(Settings):
    """Random changes to a training picture; all zero or False means none."""

    flip: bool = True
    rotate_deg: float = Field(15, ge=0)
    scale_min: float = Field(0.8, gt=0)
    scale_max: float = Field(1.4, gt=0)
    brightness: float = Field(0.3, ge=0)
    contrast: float = Field(0.3, ge=0)
    gamma: float = Field(0.2, ge=0)
    blur: float = Field(0.1, ge=0, le=1, description="Share of pictures that are blurred")
    noise: float = Field(0.02, ge=0, description="Standard deviation of added noise at most, on a 0–1 scale")
    shadow: float = Field(0.2, ge=0, le=1, description="Share of pictures that get a soft shadow")


class TrainSettings(Settings):
    """How one network trains (`pipeline.training.loop`)."""

    start: Path | None = Field(None, description="Bundle whose weights training starts from; none: ImageNet's")
    epochs: int = Field(60, ge=1)
    batch: int = Field(4, ge=1)
    optimizer: Literal["adamw", "sgd"] = "adamw"
    lr: float = Field(1e-3, gt=0)
    weight_decay: float = Field(1e-4, ge=0)
    warmup: float = Field(0.1, ge=0, lt=1, description="Share of the steps in which the rate rises")
    clip_norm: float = Field(5.0, gt=0)
    ema: float = Field(0.99, ge=0, lt=1, description="Decay of the averaged weights that are kept; 0 for none")
    validate_every: int = Field(3, ge=1, description="Epochs between two validations")
    items_per_sample: int = Field(1, ge=1, description="Crops drawn from each picture in an epoch; segmenter only")


class DetectorTrainSettings(TrainSettings):
    """The same with the defaults of stage 1, whose validation is for the eye: no epoch is chosen by it."""

    validate_every: int = Field(10, ge=1, description="Epochs between two validations")


class SegmenterTrainSettings(TrainSettings):
    """The same with the defaults of stage 2."""

    epochs: int = Field(40, ge=1)
    batch: int = Field(8, ge=1)


class CropSettings(Settings):
    """How detections become crops (`pipeline.cascade.crops`)."""

    halo: int = Field(2, ge=0, description="Least context around a box that the segmenter sees, px")
    train_side: int = Field(224, ge=32, multiple_of=32, description="Side of a training crop, px")


class ThresholdSettings(Settings):
    """Where the operating point comes from: always validation data, or a constant."""

    score: float | None = Field(None, ge=0, le=1, description="Fixed detector threshold; none: chosen on validation")
    cell: float | None = Field(None, ge=0, le=1, description="Cells from there on are marked; none: by validation")
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
    seed: int = 2018
    look_again: bool = Field(
        False,
        description="Stage 1 looks at the picture turned round too, stage 2 at mirror images and enlarged ones: surer, "
        "in two and five times their time",
    )
    device: Literal["auto", "cpu", "cuda"] = "auto"
    dataset: DatasetSettings = DatasetSettings()
    labels: LabelSettings = LabelSettings()
    detector: DetectorConfig = DetectorConfig()
    detector_augment: AugmentSettings = AugmentSettings()
    detector_training: DetectorTrainSettings = DetectorTrainSettings()
    second_training: DetectorTrainSettings = Field(
        DetectorTrainSettings(), description="How detector.second trains, where there is one"
    )
    cells: CellCuts = CellCuts()
    crops: CropSettings = CropSettings()
    segmenter: SegmenterConfig = SegmenterConfig()
    segmenter_augment: AugmentSettings = AugmentSettings()
    segmenter_training: SegmenterTrainSettings = SegmenterTrainSettings()
    thresholds: ThresholdSettings = ThresholdSettings()
    limits: LimitSettings = LimitSettings()
    figures: int = Field(8, ge=0, description="Test pictures shown in the report")

    def on_split(self, split: str) -> RunSettings:
        """The same run on another split."""
        return self.model_copy(update={"dataset": self.dataset.model_copy(update={"split": split})})


# A detector that has seen more cracks than CrackForest holds.
_START = Path(__file__).resolve().parents[1] / "data" / "bundles" / "deepcrack-fast"

PRESETS: dict[str, dict[str, Any]] = {
    "fast": {},
    # Five sixths of the multiply-adds. From ImageNet alone such a detector is unsure, and leaves out too little.
    "finetune": {
        "detector": {"deepest": 4, "levels": [3, 4], "anchor_sizes": [14, 30], "head_convs": 1},
        "detector_training": {"start": _START, "epochs": 60},
    },
    "accurate": {
        # The second sees every pixel, not folded; its cells are of the same size on the road.
        "detector": {"second": {"fold": 1, "levels": [4, 5], "anchor_sizes": [28, 64]}},
        "detector_training": {"start": _START, "epochs": 30},
        "second_training": {"start": _START, "epochs": 40},
        # A point more F1 on validation over five folds; `finetune` gained nothing by it on `paper` (RESULTS.md).
        "segmenter_training": {"epochs": 120, "validate_every": 6},
        "look_again": True,
        "crops": {"halo": 8},
        "thresholds": {"target_error": 0.004},
    },
    # Carr et al. 2018, section IV: ResNet-50, FPN P3–P7, areas 32² to 512², 50 epochs, batch 1, threshold 0.5.
    "paper": {
        "labels": {"method": "component", "padding": 0, "close_gap": 0},
        "detector": {
            "backbone": "resnet50",
            "weights": "none",
            "fold": 1,
            "levels": [3, 4, 5, 6, 7],
            "fpn_channels": 256,
            "head_convs": 4,
            "head_norm": "none",
            "anchor_sizes": [32, 64, 128, 256, 512],
            "box_loss": "l1",
            "cells": False,
        },
        "detector_augment": {
            "rotate_deg": 0,
            "scale_min": 1,
            "scale_max": 1,
            "brightness": 0,
            "contrast": 0,
            "gamma": 0,
            "blur": 0,
            "noise": 0,
            "shadow": 0,
        },
        "detector_training": {"epochs": 50, "batch": 1, "lr": 1e-4, "ema": 0},
        "segmenter": {"encoder": "resnet34", "weights": "none", "decoder_channels": [256, 128, 64, 32, 16]},
        "crops": {"halo": 8},
        "thresholds": {"score": 0.5},
    },
    "smoke": {
        "dataset": {"sample_count": 12},
        # After two epochs no detection is sure enough to draw boxes around cells in it.
        "detector": {"backbone": "resnet18", "weights": "none", "fpn_channels": 32, "head_convs": 1, "cells": False},
        "detector_training": {"epochs": 2, "batch": 4},
        "segmenter": {"encoder": "resnet18", "weights": "none", "decoder_channels": [64, 32, 16, 8]},
        "segmenter_training": {"epochs": 2, "batch": 4},
        "figures": 2,
    },
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
        lines = [f"  {'.'.join(map(str, e['loc']))}: {e['msg']} (got {e['input']!r})" for e in error.errors()]
        raise UsageError(
            "Settings that do not fit:\n" + "\n".join(lines),
            "`crack-survey run --help` shows how settings are given; pipeline/settings.py lists them all.",
        ) from error


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
    return HomeSettings().home


class HomeSettings(BaseSettings):
    """Read from the environment."""

    model_config = SettingsConfigDict(env_prefix="CRACK_SURVEY_")
    home: Path = Path("data")
