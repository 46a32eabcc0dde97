"""Which data a run learns from: one data set, or a pool of several."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from models.errors import UsageError
from models.given_yaml import read_yaml
from pipeline.mask_values import check

ReaderName = Literal["sample", "crackforest", "deepcrack", "dnit", "folder"]
DatasetName = Literal[ReaderName, "pool"]

HomePath = Annotated[Path, AfterValidator(Path.expanduser)]
"""A path in which ``~`` is the user's home."""

MaskValuesText = Annotated[
    str | None,
    AfterValidator(check),
    Field(description="Which values of a mask are crack, such as crack=38; none: black and white, or 0 and 1"),
]


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"it is no regex: {error}") from None
    return pattern


Regex = Annotated[str, AfterValidator(_compiles)]
"""A regular expression, matched from the beginning."""


class Settings(BaseModel):
    """Base: unknown keys are an error, values are frozen, numbers are finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


_MADE = 300  # pictures of the generated sample


class PartSettings(Settings):
    """One data set of a pool."""

    name: ReaderName = Field(description="Its reader")
    label: str = Field(pattern=r"^[A-Za-z0-9.]+([-_][A-Za-z0-9.]+)*$", description="Its name in the pool")
    root: HomePath | None = Field(None, description="Its folder; none for the generated sample")
    mask_values: MaskValuesText = None
    count: int = Field(_MADE, ge=6, description="Pictures, of the generated sample")
    closest: float = Field(
        1, ge=1, le=12, description="Pictures of the generated sample are taken from up to so many times nearer"
    )
    weight: float = Field(1, gt=0, le=1e6, description="Its share of the training windows, against the other parts'")
    scene: Regex | None = Field(None, description="Regex; its first group in a sample's name is the scene")
    test: Regex | None = Field(None, description="Regex of scenes that test; none: the reader's own split")
    val: Regex | None = Field(None, description="Regex of scenes that choose thresholds; none: drawn from the rest")
    clean: bool = Field(False, description="Holds no crack at all: what is not a crack must be learnt too")
    fragmentary: bool = Field(False, description="Its masks are fragments: between and beyond them nothing is judged")
    look_alikes: float = Field(
        0.15,
        ge=0,
        le=1,
        description="Share of its windows that gets joints, sealed cracks, drops, markings or shadows drawn in",
    )
    drawn_cracks: float = Field(
        0, ge=0, le=1, description="Share of its windows that gets thin cracks drawn onto the road"
    )
    open_cracks: float = Field(
        0, ge=0, le=1, description="Share of its windows that gets wide open cracks drawn onto the road"
    )
    relief: float = Field(
        0, ge=0, le=1, description="Share of its windows whose road gets a relief, most often cracked, under a low sun"
    )
    commercial: bool | None = Field(None, description="Its terms allow commercial use; none: as the reader knows")
    licence: str = Field("", description="Its terms in a word; none: as the reader knows")
    attribution: str = Field("", description="Whom to name, as the licence asks")
    mm_per_px: float | None = Field(None, gt=0, description="Scale of its pictures, where it is known")

    @model_validator(mode="after")
    def _nothing_is_idle(self) -> Self:
        drawn = self.name == "sample"
        for name, given in {"closest": self.closest != 1, "count": self.count != _MADE}.items():
            if given and not drawn:
                raise ValueError(f"{name} does nothing for photographs: it is for the generated sample (name: sample)")
        if self.root is not None and drawn:
            raise ValueError("root does nothing for the generated sample, which has no folder")
        if self.root is None and not drawn:
            raise ValueError(f"root is lacking: the folder of {self.label}")
        return self


class WindowSettings(Settings):
    """Windows of one size that training pictures of a pool, and large ones of a folder, are cut into.

    See `pipeline.datasets.windows` and `pipeline.datasets.large`.
    """

    count: int = Field(
        2400,
        ge=8,
        description="Windows of all parts together; of a folder's large photographs at most so many: as hold them once",
    )
    width: int = Field(448, ge=64, multiple_of=64, description="px")
    height: int = Field(384, ge=64, multiple_of=64, description="px")
    scale_min: float = Field(0.5, gt=0, description="A window shows the picture so many times as large, at least")
    scale_max: float = Field(2, gt=0)
    on_cracks: float = Field(0.65, ge=0, le=1, description="Share of windows drawn around cracks; others lie anywhere")
    val_samples: int = Field(
        40, ge=1, description="Of a pool: validation pictures of each part, so that all weigh alike"
    )

    @model_validator(mode="after")
    def _scales_fit(self) -> Self:
        if self.scale_min > self.scale_max:
            raise ValueError(f"scale_min, {self.scale_min:g}, lies above scale_max, {self.scale_max:g}")
        return self


class DatasetSettings(Settings):
    """Which samples, and how they are split."""

    name: DatasetName = "sample"
    root: HomePath | None = Field(None, description="Folder of the data set; none for the generated sample")
    mask_values: MaskValuesText = None
    split: str = Field("paper", description="paper, fold0 … fold4, or folds for all five")
    split_seed: int = Field(2018, ge=0, lt=2**32)
    use_negatives: bool = Field(True, description="Train on unlabelled crack-free pictures too, where there are any")
    sample_count: int = Field(48, ge=6, description="Pictures that the generated sample holds")
    sample_seed: int = Field(7, ge=0, lt=2**32)
    sample_closest: float = Field(
        1, ge=1, le=12, description="They are taken from up to so many times nearer: their cracks are as much wider"
    )
    parts: tuple[PartSettings, ...] = Field((), description="Of a pool: its data sets, or a YAML file that lists them")
    leave_out: Regex | None = Field(
        None, description="Of a pool: scenes, as LABEL/SCENE, that alone test and of which nothing is learnt"
    )
    windows: WindowSettings = Field(
        WindowSettings(), description="Of a pool, and of a folder's large photographs: what training looks at"
    )

    @field_validator("parts", mode="before")
    @classmethod
    def _read_parts(cls, parts: object) -> object:
        return read_parts(Path(parts)) if isinstance(parts, str | Path) else parts


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def read_parts(path: Path) -> object:
    """The parts of a pool from a YAML list; roots are relative to that file.

    Raises:
        UsageError: it cannot be read, or is no list of parts.
    """
    path = path.expanduser()
    parts = read_yaml(path, f"The list of parts {path}", "data/README.md shows one.")
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise UsageError(f"{path} holds no list of parts.", "Write one: - {name: dnit, label: dnit, root: DIR}.")
    return [
        part | {"root": path.parent / Path(part["root"]).expanduser()} if _is_text(part.get("root")) else part
        for part in parts
    ]
