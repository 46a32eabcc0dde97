"""A folder that may not be entered, also where root runs the tests, whom the system refuses nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def close(monkeypatch: pytest.MonkeyPatch, path: Path, listed: bool = False) -> None:
    """Let the system refuse a folder as an ordinary user is refused one of ``chmod 000``.

    Args:
        path: absolute; of a file, what is refused is to open it.
        listed: of ``chmod 444``: its names may still be listed.
    """
    asks = {name: getattr(os, name) for name in ("scandir", "open", "stat", "lstat", "access")}
    own = ("open",) if listed else ("open", "scandir")

    def refused(name: str, asked: Any, mode: int = 0) -> bool:
        text = os.fsdecode(asked) if isinstance(asked, str | bytes | os.PathLike) else ""
        needs = name in own or bool(mode & (os.X_OK if listed else os.X_OK | os.R_OK))
        return text.startswith(f"{path}/") or (text == str(path) and needs)

    def refusing(name: str) -> Callable[..., Any]:
        def ask(asked: Any = ".", *rest: Any, **more: Any) -> Any:
            if not refused(name, asked):
                return asks[name](asked, *rest, **more)
            raise PermissionError(13, "Permission denied", os.fspath(asked))

        return ask

    def access(asked: Any, mode: int, **more: Any) -> bool:
        return not refused("access", asked, mode) and bool(asks["access"](asked, mode, **more))

    for name in ("scandir", "open", "stat", "lstat"):
        monkeypatch.setattr(os, name, refusing(name))
    monkeypatch.setattr(os, "access", access)
