"""The command `crack-survey camera show`: is the road where the camera file says?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.cli_data import path_here
from flows.mistakes import Commands
from models.errors import DataError

camera = typer.Typer(cls=Commands, help="Check a camera file.", no_args_is_help=True, rich_markup_mode="markdown")


@camera.callback()
def _camera() -> None:
    """Check a camera file."""


@camera.command()
def show(
    file: Annotated[Path, typer.Argument(help="Camera file, YAML.")],
    photo: Annotated[Path, typer.Argument(help="A photograph that this camera took.")],
    out: Annotated[
        str | None, typer.Option(metavar="PATH", help="Picture to write; default: PHOTO's name with .camera.jpg, here.")
    ] = None,
) -> None:
    """Draw what a camera file says over a photograph: the region that is road, a grid in metres, the road from above.

    Lines of the lane should run straight up in the view from above, and things of known size should fit the grid.

    For example:

        crack-survey camera show camera.yaml photos/0001.jpg --out check.jpg
    """
    from PIL import Image as Pillow

    from pipeline.datasets.pictures import PICTURE_SUFFIXES, read_image
    from pipeline.placing.camera_file import read_camera
    from pipeline.placing.camera_picture import draw_camera
    from pipeline.placing.road import WrongSizeError
    from pipeline.storage.atomic import write_whole
    from pipeline.storage.room import check_file

    target = path_here(out, "out") or Path(f"{photo.stem}.camera.jpg")
    check_file(target, sorted(PICTURE_SUFFIXES), "--out")
    told = read_camera(file)
    try:
        drawn = draw_camera(told, read_image(photo.expanduser()))
    except WrongSizeError as error:
        raise DataError(
            f"{photo} is no photograph of the camera in {file}: {error}.", "Give one that this camera took."
        ) from error
    write_whole(target, lambda path: Pillow.fromarray(drawn).save(path, quality=88))
    print(target)
