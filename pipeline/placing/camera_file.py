"""The camera file: YAML, one a camera, that says how a pixel of its photographs lies on the road."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, FiniteFloat, ValidationError, model_validator

from models.errors import UsageError
from models.given_yaml import read_yaml
from models.misspelt import plainly
from pipeline.measuring.scale import COARSEST_MM, FINEST_MM
from pipeline.settings import Settings

Pair = tuple[FiniteFloat, FiniteFloat]
Positive = Annotated[FiniteFloat, Field(gt=0)]

REMEDY = "docs/measuring.md shows a camera file; `crack-survey camera show FILE PHOTO` draws what it says."


class RoadPoint(Settings):
    """A mark on the road whose place is known."""

    pixel: Pair = Field(description="Right and down from the picture's upper left corner, px")
    road: Pair = Field(description="Right and ahead of the camera, m")


class Lens(Settings):
    """Intrinsics, as `cv2.calibrateCamera` finds them."""

    focal_px: tuple[Positive, Positive] = Field(description="Across and down, px")
    centre_px: Pair = Field(
        description="Principal point, px; as OpenCV has it, whole numbers are the middles of pixels"
    )
    distortion: tuple[FiniteFloat, ...] = Field(
        (), description="k1, k2, p1, p2[, k3[, k4, k5, k6]], as OpenCV has them"
    )

    @model_validator(mode="after")
    def _length(self) -> Self:
        if len(self.distortion) not in (0, 4, 5, 8):
            raise ValueError(f"distortion has {len(self.distortion)} numbers; OpenCV knows 4, 5 or 8 of them")
        return self


class Mounting(Settings):
    """How the camera hangs over a flat road."""

    height_m: Positive
    pitch_deg: float = Field(gt=0, le=90, description="How far it looks down from the level; 90 looks straight down")
    roll_deg: float = Field(0, gt=-45, lt=45, description="Turned clockwise, as seen from behind the camera")


class Lane(Settings):
    """The lane in the coordinates of the road: right and ahead of the camera, m."""

    axis_deg: float = Field(
        0, ge=-180, le=180, description="From straight ahead (up, where the view is down) clockwise to the lane's axis"
    )
    left_m: FiniteFloat | None = Field(None, description="Left edge, right of the camera where positive")
    right_m: FiniteFloat | None = None

    @model_validator(mode="after")
    def _edges(self) -> Self:
        if (self.left_m is None) != (self.right_m is None):
            raise ValueError("left_m and right_m go together, and one is missing")
        if self.left_m is not None and self.right_m is not None and not self.left_m < self.right_m:
            raise ValueError(f"left_m is {self.left_m:g}, which is not left of right_m {self.right_m:g}")
        return self


class Camera(Settings):
    """One camera. A scale comes from `scale_mm_per_px`, from four `points`, or from `lens` and `mounting`.

    Without any of these it has no scale of its own: a view down then takes the manifest's or that of ``--gsd``, and a
    view ahead has none (``view=oblique``).
    """

    view: Literal["down", "forward"]
    size_px: tuple[int, int] | None = Field(None, description="Width and height that pixels of this file refer to")
    scale_mm_per_px: float | None = Field(None, ge=FINEST_MM, le=COARSEST_MM)
    points: tuple[RoadPoint, RoadPoint, RoadPoint, RoadPoint] | None = None
    lens: Lens | None = None
    mounting: Mounting | None = None
    region: tuple[Pair, ...] | None = Field(None, min_length=3, description="Polygon that is road, px; none: all of it")
    lane: Lane = Lane()

    @model_validator(mode="after")
    def _one_scale(self) -> Self:
        given = [name for name in ("scale_mm_per_px", "points", "mounting") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} each give a scale; keep one of them")
        if self.view == "forward" and self.scale_mm_per_px is not None:
            raise ValueError("a forward view has no single scale; give four points, or lens and mounting")
        if self.mounting is not None and self.lens is None:
            raise ValueError("mounting needs the lens: its focal_px and centre_px")
        if self.size_px is None and (self.points or self.lens or self.region):
            raise ValueError("size_px is missing: the width and height that the pixels of this file refer to")
        if self.size_px is not None and min(self.size_px) < 1:
            raise ValueError(f"size_px is {self.size_px}; both must be 1 or more")
        return self

    @property
    def has_scale(self) -> bool:
        """Whether the file itself says how long a pixel is."""
        return bool(self.scale_mm_per_px or self.points or self.mounting)


def read_camera(path: Path) -> Camera:
    """Read a camera file and check that it makes sense.

    Raises:
        UsageError: it cannot be read, or what it says cannot be; names the field and what is wrong with it.
    """
    told = read_yaml(path, f"The camera file {path}", REMEDY)
    if not isinstance(told, dict):
        raise UsageError(f"The camera file {path} holds no fields.", REMEDY)
    try:
        camera = Camera.model_validate(told)
    except ValidationError as error:
        wrong = "; ".join(_told(problem["loc"], plainly(problem, Camera)) for problem in error.errors())
        raise UsageError(f"The camera file {path} does not fit: {wrong}.", REMEDY) from error
    from pipeline.placing.camera_check import check_camera

    try:
        check_camera(camera)
    except ValueError as error:
        raise UsageError(f"The camera file {path} does not fit: {error}.", REMEDY) from error
    return camera


def _told(place: tuple[int | str, ...], message: str) -> str:
    name = ".".join(map(str, place))
    return f"{name}: {message}" if name else message
