"""Loops compiled by numba, and where what it has compiled is kept for the next process."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])


def compiled(**options: Any) -> Callable[[F], F]:
    """Compile a function, without holding Python's lock while it runs.

    Numba keeps what it has compiled beside the source file, or else in the user's home. Where it can write to neither,
    as with a read-only installation and no home, a folder of the user's own among the temporary ones is taken; without
    that, each process compiles for itself, some ten seconds in all.

    Args:
        options: more of `numba.njit`'s.
    """

    def compile_it(function: F) -> F:
        try:
            Path.home()  # numba would take a folder named ~ for the home of a user who has none
            return _compile(function, cache=True, **options)
        except RuntimeError as error:
            if not any(words in str(error) for words in ("cannot cache", "home directory")):
                raise
        folder = private_folder("numba")
        if folder is not None:
            numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
        return _compile(function, cache=folder is not None, **options)

    return compile_it


def private_folder(name: str) -> Path | None:
    """A temporary folder that lasts and that only this user can write to; None where there is none.

    What lies there is loaded as code, so that a folder which somebody else has made or may change will not do.
    """
    try:
        folder = Path(tempfile.gettempdir()) / f"crack-survey-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if folder.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o077:
            return None
        (folder / name).mkdir(mode=0o700, exist_ok=True)
    except OSError:  # no temporary folder can be written to either
        return None
    return folder / name


def _compile(function: F, **options: Any) -> F:
    made: F = numba.njit(nogil=True, **options)(function)
    return made
