"""Everything that shapes a survey, as one pydantic model. The Prefect UI shows it as a form."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field, ValidationInfo, field_validator

from models.errors import UsageError
from models.shipped import shipped_bundle
from pipeline.settings import HomePath, Settings, home
from pipeline.survey.listing.addresses import no_address, not_empty, plain_place
from pipeline.survey.listing.credentials import refuse_credentials
from pipeline.survey.road_settings import RoadSettings


class SurveySettings(Settings):
    """One survey.

    Settings of the first group decide what is recorded: a survey that was stopped goes on only with the same ones. The
    second group says how the work is done and may change between two tries; the chunk, by which work is counted, stays
    what it was at first.

    Raises:
        UsageError: an address carries a password or a key, which would stand in every plan, record and log.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    photos: str = Field(
        description="Folder, glob, manifest (.csv, .tsv, .txt, .json, .parquet), or an address such as s3://bucket/folder"
    )
    bundle: HomePath = Field(shipped_bundle("roads"), description="Folder of the trained cascade")
    root: str | None = Field(None, description="Folder that a manifest's paths start from; none: the manifest's own")
    masks: Literal["all", "cracked", "none"] = Field("all", description="Photographs whose mask is written, 1-bit PNG")
    overlays: bool = Field(False, description="Write photographs with boxes and cracks drawn in, JPEG")
    max_pixels: int = Field(200_000_000, ge=1, description="Photographs with more pixels are refused, unopened")
    allow_outside: bool = Field(False, description="Follow paths and links that leave the root")
    incremental: bool = Field(
        True, description="Only photographs that are new or changed since the record of this --out"
    )

    road: RoadSettings = Field(RoadSettings(), description="From pixels to metres, places and sums")

    out: HomePath | None = Field(None, description="Folder to fill; none: surveys/NAME in the home")
    chunk: int = Field(32, ge=1, le=4096, description="Photographs in one task")
    device: Literal["auto", "cpu", "cuda"] = "auto"
    runner: Literal["threads", "dask", "ray"] = Field("threads", description="What runs the chunks")
    address: str | None = Field(None, description="Of a Dask scheduler or Ray cluster; none: one started here")
    workers: int | None = Field(None, ge=1, description="Chunks at a time; none: one a core, or one on a GPU")
    max_failures: int | None = Field(None, ge=0, description="More failed photographs than this fail the survey")
    max_unfamiliar: float | None = Field(
        None, ge=0, le=1, description="Share of photographs unlike what the bundle knows; beyond it the event says so"
    )

    @field_validator("photos", "root", "address")
    @classmethod
    def _has_no_secret(cls, given: str | None, field: ValidationInfo) -> str | None:
        refuse_credentials(given or "", f"The address in {field.field_name!r}")
        return given

    @field_validator("photos", "root", "bundle", "out", mode="before")
    @classmethod
    def _is_told(cls, given: object, field: ValidationInfo) -> object:
        return not_empty(given, field.field_name)

    @field_validator("bundle", "out", mode="before")
    @classmethod
    def _lies_here(cls, given: object, field: ValidationInfo) -> object:
        return no_address(given, field.field_name)

    @field_validator("photos", "root")
    @classmethod
    def _is_expanded(cls, given: str | None) -> str | None:
        return given if given is None else plain_place(given)

    @property
    def name(self) -> str:
        """Name of the survey, fit for a file.

        >>> SurveySettings(photos="s3://roads/A7 north/*.jpg", bundle="b").name
        'A7-north'
        """
        parts = [part for part in re.split(r"[/\\]+", self.photos) if part and not re.search(r"[*?\[]", part)]
        last = Path(self.photos).resolve().name if set(parts) <= {".", ".."} else parts[-1]
        return (
            re.sub(r"[^A-Za-z0-9._-]+", "-", re.sub(r"(?i)\.(csv|tsv|txt|json|parquet)$", "", last)).strip("-.")
            or "survey"
        )

    @property
    def target(self) -> Path:
        """Folder that the survey fills, absolute."""
        return (self.out if self.out is not None else home() / "surveys" / self.name).resolve()

    def check_used(self) -> None:
        """Refuse what would do nothing where it stands.

        Raises:
            UsageError: an address for threads, which run here, or a number of workers for a cluster that has its own.
        """
        if self.address is None:
            return
        if self.runner == "threads":
            raise UsageError(
                f"--address {self.address} names a cluster, and the chunks are run by threads of this process.",
                "Give --runner dask or --runner ray with it, or leave --address out.",
            )
        if self.workers is not None:
            raise UsageError(
                f"--workers {self.workers} does nothing: the cluster at {self.address} has workers of its own.",
                "Leave --workers out, or --address, to start a cluster here.",
            )

    def check_same(self, now: SurveySettings, remedy: str) -> None:
        """Refuse to go on with other settings than those begun with; the bundle's content is compared elsewhere.

        Raises:
            UsageError: naming each setting of the first group that differs.
        """
        shaping = ("photos", "root", "masks", "overlays", "max_pixels", "allow_outside", "road")
        differing = [
            f"{name} was {getattr(self, name)!s}, now {getattr(now, name)!s}"
            for name in shaping
            if getattr(self, name) != getattr(now, name)
        ]
        if differing:
            raise UsageError(f"A survey that was begun otherwise is unfinished: {'; '.join(differing)}.", remedy)


def most_bytes(max_pixels: int) -> int:
    """Largest file that is read: so many pixels uncompressed, 16 bits and four channels each, and 64 MiB beside."""
    return 8 * max_pixels + 2**26
