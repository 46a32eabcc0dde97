"""Folders that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.errors import DataError


@contextmanager
def appearing(folder: Path) -> Iterator[Path]:
    """A folder to fill, which takes the name of `folder` when all is in it; on any failure nothing is left behind.

    Raises:
        DataError: `folder` holds something already, or cannot be written.
    """
    folder = Path(os.path.realpath(folder))  # which, unlike resolve(), bears a link that leads to itself
    inside = folder.parent / f".{folder.name}.{secrets.token_hex(4)}"
    try:
        if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
            raise DataError(f"{folder} is in use already.", "Move it away, or name another: what lies there is kept.")
        inside.mkdir(parents=True)
        yield inside
        inside.rename(folder)
    except OSError as error:
        raise DataError(f"Cannot write {folder}: {error}", "Free some space, or mend the folder's rights.") from error
    finally:
        shutil.rmtree(inside, ignore_errors=True)
