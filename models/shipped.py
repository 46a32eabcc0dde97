"""The bundles that ship with the program, wherever it is installed."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]


def shipped_bundle(name: str) -> Path:
    """Folder of a bundle that ships: in a checkout below ``data/bundles``, else where the installer has put it.

    Where it lies in neither, the folder of the checkout: whoever reads it tells that there is no bundle.
    """
    here = CHECKOUT / "data" / "bundles" / name
    if here.is_dir():
        return here
    try:
        listed = files("crack-survey") or []
    except PackageNotFoundError:
        return here
    ending = ("share", "crack-survey", "bundles", name, "bundle.json")  # [tool.setuptools.data-files] of pyproject.toml
    for path in listed:
        if path.parts[-len(ending) :] == ending:
            return Path(str(path.locate())).resolve().parent
    return here
