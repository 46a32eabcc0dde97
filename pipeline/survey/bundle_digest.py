"""What tells one bundle from another in plans and records."""

from __future__ import annotations

import hashlib
from pathlib import Path

from models.bundle import CARD, read_card
from models.errors import BundleError


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
