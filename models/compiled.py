"""Loops compiled by numba, and where what it has compiled is kept for the next process."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])

KEPT = 3
"""Earlier states of a package whose compiled loops are kept beside it, for whoever goes back to one."""


def compiled(**options: Any) -> Callable[[F], F]:
    """Compile a function, without holding Python's lock while it runs.

    What has been compiled is kept in ``__pycache__`` beside the source file, or else in the user's cache; where neither
    can be written, as with a read-only installation and no home, among the temporary files in a folder of the user's
    own; without that, each process compiles for itself, some ten seconds in all. ``NUMBA_CACHE_DIR`` names another.

    Numba looks at nothing but the function's own file to see whether what it kept still holds, though loops of other
    files, and constants, are compiled in. So each state of all files of a package has a folder of its own, and beside
    the source file what was compiled of earlier states is deleted, but for the youngest.

    Args:
        options: more of `numba.njit`'s.
    """

    def compile_it(function: F) -> F:
        source = Path(function.__code__.co_filename)
        elsewhere = numba.config.CACHE_DIR  # type: ignore[attr-defined]
        for base in _bases(source, elsewhere):
            folder = base / f"numba-{_state(source.parent)}"
            numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
            try:
                is_new = not folder.exists()
                made = _compile(function, cache=True, **options)
                if is_new and base == source.parent / "__pycache__":
                    _clear_earlier(folder)
                return made
            except (RuntimeError, OSError) as error:
                if isinstance(error, RuntimeError) and "cannot cache" not in str(error):
                    raise
            finally:
                numba.config.CACHE_DIR = elsewhere  # type: ignore[attr-defined]
        return _compile(function, cache=False, **options)

    return compile_it


def _bases(source: Path, elsewhere: str) -> Iterator[Path]:
    """Folders that may be written, the best first."""
    if elsewhere:
        yield Path(elsewhere)
    yield source.parent / "__pycache__"
    with suppress(RuntimeError):  # there is no home
        yield Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "crack-survey"
    if folder := private_folder("numba"):
        yield folder


def _clear_earlier(folder: Path) -> None:
    """Delete what was compiled of earlier states, their folders beside `folder`, but for the youngest `KEPT`.

    The folders stay, empty: a process that still runs such code compiles once more, and could not write without one.
    """
    with suppress(OSError):  # not ours to delete
        states = [path for path in folder.parent.glob("numba-*") if re.fullmatch("numba-[0-9a-f]{16}", path.name)]
        earlier = sorted((path for path in states if path != folder), key=lambda path: path.stat().st_mtime)
        for path in (file for state in earlier[:-KEPT] for file in state.glob("*/*.nb[ic]")):
            path.unlink(missing_ok=True)


@cache
def _state(folder: Path) -> str:
    """Text that is another one as soon as a module in `folder` changes."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("[!.]*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


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
