"""The commands `crack-survey data …`: fetch a data set, and say what a folder holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.mistakes import Commands
from models.errors import UsageError


def _checked(given: str | None) -> str | None:
    from pipeline.mask_values import check

    try:
        return check(given)
    except ValueError as error:
        raise UsageError(f"--mask-values {given} cannot be read: {error}.", "docs/masks.md says more.") from None


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else on standard output.")]
MaskValues = Annotated[
    str | None,
    typer.Option(
        callback=_checked,
        metavar="crack=V[,V] [ignore=V]",
        help="Which values of the masks are crack, such as crack=38, 'crack=1,2 ignore=255' or crack=#ff0000.",
        show_default="black and white, or 0 and 1",
    ),
]


def path_here(given: str | None, option: str) -> Path | None:
    """What `option` gives to write to; an address would become folders of its name, and is refused."""
    from pipeline.survey.listing.addresses import no_address

    return None if given is None else Path(str(no_address(given, option))).expanduser()


data = typer.Typer(
    cls=Commands,
    help="Fetch data sets, and say what a folder holds.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


@data.command()
def fetch(
    name: Annotated[
        str, typer.Argument(help="crackforest; the other data sets have to be asked for at their authors.")
    ],
    into: Annotated[
        str | None, typer.Option(metavar="PATH", help="Folder to fill; default: datasets/NAME in the home.")
    ] = None,
) -> None:
    """Download a data set, every file checked against its SHA-256.

    For example:

        crack-survey data fetch crackforest --into data/datasets/crackforest
    """
    if name != "crackforest":
        raise UsageError(
            f"There is no data set {name!r} to fetch.",
            "crackforest can be fetched; download others by hand and look at them with `crack-survey data info ROOT`.",
        )
    from pipeline.datasets.fetch import fetch_crackforest
    from pipeline.settings import home

    print(fetch_crackforest(path_here(into, "into") or home() / "datasets" / name))


@data.command()
def info(
    root: Annotated[Path, typer.Argument(help="Folder of a data set.")],
    mask_values: MaskValues = None,
    as_json: AsJson = False,
) -> None:
    """Say which data set a folder holds, how many pictures, how much crack, and what is wrong with it."""
    from flows.tables import print_info, print_json
    from pipeline.datasets.info import describe_root

    found = describe_root(root, mask_values)
    if as_json:
        print_json(found)
    else:
        print_info(found)
    if found["problems"]:
        raise typer.Exit(1)
