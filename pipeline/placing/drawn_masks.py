"""Masks on disk, whoever drew them → measured cracks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from models.given import readable
from pipeline.datasets.mask_coding import OneCoding
from pipeline.datasets.masks import notes_of, read_truth, told_once, values_held
from pipeline.mask_values import MaskValues
from pipeline.measuring.rows import COLUMNS
from pipeline.measuring.settings import MeasureSettings
from pipeline.placing.camera_file import Camera, Lane
from pipeline.placing.mask_files import find_masks
from pipeline.placing.photograph_view import LANE_UNSEEN, WRONG_SIZE, sight_of
from pipeline.placing.road_region import region_in
from pipeline.placing.seen_cracks import road_line, seen_cracks, zone_in
from pipeline.storage.atomic import write_whole

SIZES = ("area_m2", "diameter_m", "line_px", "outline_px", "mask")
"""What a file holds beside the columns that ``--json`` prints."""


ENDINGS = (".csv", ".parquet")
"""Of files that `write_rows` writes."""


class MeasuredMasks(NamedTuple):
    """What masks hold.

    Attributes:
        rows: of the table `cracks`, one mask after the other.
        notes: what was passed over, and how unusual masks were read, a line a kind.
    """

    rows: list[dict[str, Any]]
    notes: list[str]


def measure_masks(
    masks: str,
    settings: MeasureSettings,
    gsd_mm_per_px: float | None = None,
    values: MaskValues | None = None,
    camera: Camera | None = None,
) -> MeasuredMasks:
    """Measure the cracks of masks; pixels that are not to be judged, or not road, hold none.

    Args:
        masks: folder, glob or path.
        settings: how cracks are measured.
        gsd_mm_per_px: scale of all masks; neither that nor a camera's: pixels only.
        values: what the masks' values mean; none: their set tells (`read_truth`).
        camera: that took the photographs; none: it looked straight down.

    Raises:
        DataError: there is no mask, one cannot be read, or two mean different things by one value.
    """
    took = camera or Camera(view="down", lane=Lane(axis_deg=settings.lane_axis_deg))
    rows, notes, coding = [], dict[str, Sequence[str]](), OneCoding()
    (found_masks, passed_over), any_crack = find_masks(masks), False
    for name, path in found_masks:
        truth = read_truth(path, values)
        coding.check(path, truth)
        notes[str(path)] = notes_of(truth)
        height, width = truth.crack.shape
        sight, region = sight_of(took, width, height, None, gsd_mm_per_px), region_in(took, height, width)
        any_crack |= bool(truth.crack.any())
        crack = truth.crack if region is None else truth.crack & region.inside
        if sight.flag == WRONG_SIZE:
            notes[str(path)] = [*notes[str(path)], "has other proportions than the camera file's pictures: pixels only"]
        if sight.flag == LANE_UNSEEN:
            notes[str(path)] = [*notes[str(path)], "does not show the camera file's lane: no zones"]
        found = seen_cracks(readable(name), None, crack, took, sight, settings)
        if sight.view is not None:
            found = [row | {"zone": zone_in(row["kind"], road_line(row, sight.view), sight.view)} for row in found]
        rows += [row | {"mask": readable(str(path))} for row in found]
    told = [*passed_over, *told_once(notes)]
    if values is not None and not any_crack:
        _, first = found_masks[0]
        which = str(first) if len(found_masks) == 1 else f"the {len(found_masks)} masks, of which the first is {first}"
        told.append(f"--mask-values names no value that {which} has: {values_held(first, values)}")
    return MeasuredMasks(rows, told)


def write_rows(rows: list[dict[str, Any]], path: Path) -> None:
    """Write rows as CSV or Parquet, whole; by the name, which ends in one of `ENDINGS` (`check_file`)."""
    frame = pd.DataFrame(rows, columns=[*COLUMNS, *SIZES])
    if path.suffix.lower() == ".csv":
        write_whole(path, lambda temporary: frame.to_csv(temporary, index=False))
    else:
        write_whole(path, lambda temporary: frame.to_parquet(temporary, index=False))
