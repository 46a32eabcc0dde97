"""The command `crack-survey measure`: cracks of masks that somebody else drew."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.cli_data import AsJson, MaskValues


def measure(
    masks: Annotated[str, typer.Argument(help="Folder of masks, quoted glob, or one mask.")],
    gsd: Annotated[float | None, typer.Option(help="Length of road that one pixel shows, mm; default: none.")] = None,
    axis: Annotated[float, typer.Option(help="Direction of travel, clockwise from straight up, degrees.")] = 0.0,
    gap: Annotated[float, typer.Option(help="Fragments of one crack lie no farther apart, px.")] = 16.0,
    mask_values: MaskValues = None,
    out: Annotated[Path | None, typer.Option(help="File to write too, .csv or .parquet.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure the cracks of masks that somebody else drew: length, width, direction, kind, severity.

    With --json: {"cracks": [{…}]}, the measured columns of the record. Millimetres, metres and severity only with
    --gsd.

    For example:

        crack-survey measure masks/ --gsd 2.5 --out cracks.csv
    """
    from pydantic import ValidationError

    from flows.tables import print_json
    from models.errors import UsageError
    from pipeline.mask_values import MaskValues as Values
    from pipeline.measuring.masks import measure_masks, write_rows
    from pipeline.measuring.rows import COLUMNS
    from pipeline.measuring.scale import UniformScale
    from pipeline.measuring.settings import MeasureSettings

    try:
        settings = MeasureSettings(lane_axis_deg=axis, gap_px=gap)
    except ValidationError as error:
        told = "; ".join(f"--{str(e['loc'][0]).split('_')[-2]}: {e['msg']}" for e in error.errors())
        raise UsageError(f"That does not fit: {told}.", "`crack-survey measure --help` shows what does.") from error
    scale = None if gsd is None else UniformScale(gsd, "gsd", axis)
    values = None if mask_values is None else Values.parse(mask_values)
    rows, notes = measure_masks(masks, settings, scale, values)
    for note in notes:
        typer.echo(f"Note: {note}", err=True)
    if out is not None:
        write_rows(rows, out)
    if as_json:
        print_json({"cracks": [{name: row.get(name) for name in COLUMNS} for row in rows]})
        return
    from flows.tables import print_cracks

    print_cracks(rows)
