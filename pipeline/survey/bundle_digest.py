"""What tells one bundle from another in plans and records, and its card, kept beside the plan."""

from __future__ import annotations

import hashlib
from pathlib import Path

from models.bundle import CARD, BundleCard, read_card
from models.errors import BundleError
from pipeline.storage.atomic import write_whole


def bundle_digest(bundle: Path) -> str:
    """SHA-256 of a bundle's card, which holds those of its weights.

    Raises:
        BundleError: there is no bundle.
    """
    read_card(bundle)
    try:
        return hashlib.sha256((bundle / CARD).read_bytes()).hexdigest()
    except OSError as error:
        raise BundleError(f"{bundle} cannot be read: {error}", "Check its rights.") from error


def keep_card(bundle: Path, folder: Path) -> None:
    """Keep a bundle's card in a survey's own folder: its record and page are made of it, whatever replaces the bundle.

    Raises:
        DataError: it cannot be written.
    """
    write_whole(folder / CARD, lambda path: path.write_bytes((bundle / CARD).read_bytes()))


def kept_card(folder: Path, bundle: Path) -> BundleCard:
    """The card in a survey's own folder; the bundle's, where an earlier version has kept none.

    Raises:
        BundleError: there is no bundle.
    """
    return read_card(folder if (folder / CARD).is_file() else bundle)
