"""The commands `crack-survey labels …`: people correct what a survey drew, and it learns from that."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from flows.cli_data import path_here
from flows.mistakes import Commands

HELP = "Hand photographs of a survey out for correction, and take corrected masks in to learn from."
labels = typer.Typer(cls=Commands, help=HELP, no_args_is_help=True, rich_markup_mode="markdown")


@labels.command("export")
def hand_out(
    survey: Annotated[Path, typer.Argument(metavar="SURVEY", help="Folder of a survey: its --out.")],
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="Folder to make.")],
    count: Annotated[int, typer.Option(min=1, help="At most so many photographs.")] = 50,
    run: Annotated[str, typer.Option(help="Which survey of that folder: its id, or the beginning of one.")] = "last",
) -> None:
    """Write the photographs most worth a person's look, and what the survey drew on them, for an annotation tool.

    First those unlike what the bundle has learnt from, then those with most doubtful boxes, and one in five from all
    over the survey, for what may have been overlooked. FOLDER/images holds them, and
    FOLDER/annotations/instances_default.json their cracks as masks in COCO's format, which CVAT and others open: erase
    what is no crack, draw what was overlooked, and export as COCO 1.0.

    For example:

        crack-survey labels export surveys/a7 corrected --count 100
    """
    from pipeline.labels.coco import ANNOTATIONS
    from pipeline.labels.hand_out import hand_out as write

    done = write(survey.expanduser(), path_here(folder, "folder") or Path(folder), count, run)
    for note in done.notes:
        typer.echo(f"Note: {note}", err=True)
    typer.echo(f"{done.photographs:,} photographs with {done.pieces:,} pieces of crack.")
    typer.echo(f"Photographs: {done.folder / 'images'}")
    typer.echo(f"Annotations, COCO 1.0: {done.folder / ANNOTATIONS}")
    typer.echo(f"Once they are corrected: crack-survey labels import EXPORTED.json {quote(str(done.folder))}")


@labels.command("import")
def take_in(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What the tool exported: COCO 1.0, JSON.")],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Whose images/ holds the photographs.")],
) -> None:
    """Write masks for the photographs in FOLDER/images, as people corrected them; FOLDER is then a data set.

    Annotations of the category "crack" count, masks and polygons alike; a photograph without any has no crack.

    For example:

        crack-survey labels import instances_default.json corrected

        crack-survey run --preset finetune --dataset folder --root corrected
    """
    from pipeline.labels.take_in import take_in as write

    done = write(file.expanduser(), folder.expanduser())
    for note in done.notes:
        typer.echo(f"Note: {note}", err=True)
    typer.echo(f"{done.photographs:,} masks, {done.cracked:,} of them with crack ({done.pieces:,} pieces).")
    typer.echo(f"Masks: {done.root / 'masks'}")
    root = quote(str(done.root))
    typer.echo(f"To learn from them: crack-survey run --preset finetune --dataset folder --root {root}")
