"""The command `crack-survey survey`: a batch of photographs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli_data import AsJson
from flows.cli_start import start_prefect
from models.errors import UsageError

if TYPE_CHECKING:  # the command starts without it
    from pipeline.survey.settings import SurveySettings

OPTIONS: dict[int | str, str] = {"gsd_mm_per_px": "gsd", "gap_px": "gap"}
"""Options that are not called like their setting."""


def survey(
    photos: Annotated[
        str, typer.Argument(help="Folder, quoted glob, manifest (.csv, .json, .parquet, …) or s3://… address.")
    ],
    bundle: Annotated[
        str | None, typer.Option(metavar="PATH", help="Folder of the trained cascade; default: roads, which ships.")
    ] = None,
    out: Annotated[
        str | None, typer.Option(metavar="PATH", help="Folder to fill; default: surveys/NAME in the home.")
    ] = None,
    root: Annotated[str | None, typer.Option(help="Folder of a manifest's paths; default: the manifest's own.")] = None,
    runner: Annotated[str, typer.Option(help="What runs the chunks: threads, dask or ray.")] = "threads",
    address: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler or Ray cluster; default: a local one is started.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Chunks at a time; default: one for each core, one on a GPU.")
    ] = None,
    chunk: Annotated[int, typer.Option(help="Photographs in one task: what a kill loses. 4 suit large ones.")] = 32,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    masks: Annotated[str, typer.Option(help="Photographs whose mask is written: all, cracked or none.")] = "all",
    overlays: Annotated[bool, typer.Option(help="Write photographs with boxes and cracks drawn in.")] = False,
    max_pixels: Annotated[int, typer.Option(help="Photographs with more pixels are refused.")] = 200_000_000,
    max_failures: Annotated[
        int | None, typer.Option(help="Exit with status 1 if more photographs fail than this.")
    ] = None,
    allow_outside: Annotated[bool, typer.Option(help="Follow paths and links that leave the root.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Look again at photographs that are recorded.")] = False,
    abandon: Annotated[bool, typer.Option(help="Drop an unfinished survey of this --out and begin anew.")] = False,
    camera: Annotated[
        str | None, typer.Option(metavar="PATH", help="Camera file, YAML: scale, the region that is road, the lane.")
    ] = None,
    gsd: Annotated[float | None, typer.Option(help="Length of road that a pixel shows in all photographs, mm.")] = None,
    track: Annotated[
        str | None, typer.Option(metavar="PATH", help="GPX track of the vehicle, matched by time.")
    ] = None,
    clock_offset: Annotated[
        str | None, typer.Option(help="Added to the camera's clock: seconds, or -02:00 where it shows UTC+2.")
    ] = None,
    section: Annotated[str, typer.Option(help="Length of a section: 100m, 0.1mi or plain metres.")] = "100m",
    gap: Annotated[float, typer.Option(help="Fragments of one crack lie no farther apart than this, px.")] = 16.0,
    as_json: AsJson = False,
) -> None:
    """Find the cracks in a batch of photographs: tables, masks, and a reason for each that could not be done.

    The same command goes on where a survey was stopped; once it is done, it looks at new and changed photographs only.

    For example:

        crack-survey survey photos/2026-05-31 --out data/surveys/A7

        crack-survey survey 'photos/**/*.jpg' --bundle data/runs/RUN/bundle --overlays --max-failures 10

        crack-survey survey s3://agency/A7/manifest.csv --runner dask --address tcp://scheduler:8786
    """
    given = {
        **({} if bundle is None else {"bundle": bundle}),
        "photos": photos,
        "out": out,
        "root": root,
        "runner": runner,
        "address": address,
        "workers": workers,
        "chunk": chunk,
        "device": device,
        "masks": masks,
        "overlays": overlays,
        "max_pixels": max_pixels,
        "max_failures": max_failures,
        "allow_outside": allow_outside,
        "incremental": not everything,
        "road": {
            "camera": camera,
            "gsd_mm_per_px": gsd,
            "track": track,
            "clock_offset": clock_offset,
            "section": section,
            "measuring": {"gap_px": gap},
        },
    }
    settings = _checked(given)
    _look_for(settings)
    start_prefect()
    from flows.survey import run_from_command

    run_from_command(settings, abandon, as_json)


def _checked(given: dict[str, Any]) -> SurveySettings:
    """The settings that the options make, each with a value that fits and does something."""
    from pydantic import ValidationError

    from pipeline.survey.settings import SurveySettings

    try:
        settings = SurveySettings.model_validate(given)
    except ValidationError as error:
        wrong = "; ".join(
            f"--{OPTIONS.get(e['loc'][-1], e['loc'][-1])}: {e['msg']}".replace("_", "-") for e in error.errors()
        )
        raise UsageError(f"That does not fit: {wrong}.", "`crack-survey survey --help` shows what does.") from error
    settings.check_used()
    return settings


def _look_for(settings: SurveySettings) -> None:
    """Say what is not there before Prefect starts, which takes longer than to look; an address is asked later."""
    from models.bundle import read_card
    from pipeline.survey.listing.addresses import is_address
    from pipeline.survey.listing.sources import open_source
    from pipeline.survey.road_check import read_road

    read_card(settings.bundle)
    read_road(settings.road)
    if not is_address(settings.photos):
        open_source(settings)
