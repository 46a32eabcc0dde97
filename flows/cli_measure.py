"""The command `crack-survey measure`: cracks of masks that somebody else drew."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.cli_data import AsJson, MaskValues, path_here


def measure(
    masks: Annotated[str, typer.Argument(help="Folder of masks, quoted glob, or one mask.")],
    gsd: Annotated[float | None, typer.Option(help="Length of road that one pixel shows, mm; default: none.")] = None,
    camera: Annotated[
        Path | None, typer.Option(help="Camera file, YAML: scale, the region that is road, the lane.")
    ] = None,
    axis: Annotated[float, typer.Option(help="Direction of travel, clockwise from straight up, degrees.")] = 0.0,
    gap: Annotated[float, typer.Option(help="Fragments of one crack lie no farther apart than this, px.")] = 16.0,
    mask_values: MaskValues = None,
    out: Annotated[str | None, typer.Option(metavar="PATH", help="File to write too, .csv or .parquet.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure the cracks of masks that somebody else drew: length, width, direction, kind, severity.

    With --json: {"cracks": [{…}]}, the measured columns of the record. Millimetres, metres and severity only with
    --gsd, or a camera file that tells the scale.

    For example:

        crack-survey measure masks/ --gsd 2.5 --out cracks.csv

        crack-survey measure masks/ --camera camera.yaml --json
    """
    from pydantic import ValidationError

    from flows.tables import print_json
    from models.errors import UsageError
    from pipeline.mask_values import MaskValues as Values
    from pipeline.measuring.rows import COLUMNS
    from pipeline.measuring.scale import check_scale
    from pipeline.measuring.settings import MeasureSettings
    from pipeline.placing.drawn_masks import ENDINGS, measure_masks, write_rows
    from pipeline.storage.room import check_file
    from pipeline.survey.listing.addresses import plain_place
    from pipeline.survey.road_check import read_road
    from pipeline.survey.road_settings import RoadSettings

    target = path_here(out, "out")
    if target is not None:
        check_file(target, ENDINGS, "--out")
    if gsd is not None:
        check_scale(gsd)
    if camera is not None and axis:
        raise UsageError("--axis and --camera both tell the direction of travel.", "Write axis_deg in its lane.")
    try:
        settings = MeasureSettings(lane_axis_deg=axis, gap_px=gap)
    except ValidationError as error:
        told = "; ".join(f"--{str(e['loc'][0]).split('_')[-2]}: {e['msg']}" for e in error.errors())
        raise UsageError(f"That does not fit: {told}.", "`crack-survey measure --help` shows what does.") from error
    took = read_road(RoadSettings(camera=camera, gsd_mm_per_px=gsd))
    values = None if mask_values is None else Values.parse(mask_values)
    rows, notes = measure_masks(plain_place(masks), settings, gsd, values, took)
    for note in notes:
        typer.echo(f"Note: {note}", err=True)
    if target is not None:
        write_rows(rows, target)
    if as_json:
        print_json({"cracks": [{name: row.get(name) for name in COLUMNS} for row in rows]})
        return
    from flows.tables import print_cracks

    print_cracks(rows)
