"""Whole files or none: written under a temporary name beside the target, then renamed."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from safetensors import SafetensorError

from models.errors import DataError


def write_whole(path: Path, write: Callable[[Path], object]) -> Path:
    """Let `write` fill a temporary file and put it in `path`'s place; on any failure nothing is left behind.

    Args:
        path: file to make or replace; its folder is made.
        write: called once with the temporary path, which keeps the target's suffix.

    Raises:
        DataError: the disk is full, or the folder cannot be written.
    """
    # By chance, not by process: on a shared disk two machines may write one file, and containers count from 1.
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        temporary.replace(path)
    except (OSError, SafetensorError, RuntimeError) as error:  # a full disk, as Python, safetensors and torch tell it
        raise DataError(
            f"Cannot write {path}: {error}",
            "Free some space or mend the folder's rights, then run the same command again: it goes on where it was.",
        ) from error
    finally:
        with suppress(OSError):  # a folder that cannot be made holds no temporary file either
            temporary.unlink(missing_ok=True)
    return path
