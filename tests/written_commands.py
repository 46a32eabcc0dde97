"""The shell commands that README and docs tell a reader to run, and the `crack-survey` they are held against."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any, NamedTuple

import typer

from flows.cli import app

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "data" / "README.md", *sorted(ROOT.glob("docs/*.md"))]
SHELL = {"", "sh", "bash", "shell", "console"}
PROGRAMS = (
    {"crack-survey", "make", "pip", "python", "prefect", "dask", "ray", "git", "."}
    | {"export", "cd", "mkdir", "cp", "sed", "xdg-open"}
    | {".ci/run"}
)
"""A line of a block that begins with none of them is text that a program prints."""


class Command(NamedTuple):
    """One line of a fenced block of a page.

    Attributes:
        page: file name.
        line: number of the line, from 1.
        words: as a shell would split them, without the comment.
    """

    page: str
    line: int
    words: tuple[str, ...]


def commands(page: Path, text: str | None = None) -> list[Command]:
    """Every command of the fenced shell blocks of a page, in order; a here-document's text is left out."""
    found: list[Command] = []
    fence, waits_for, number, whole = None, "", 0, ""
    for at, line in enumerate((page.read_text("utf-8") if text is None else text).splitlines(), 1):
        if line.startswith("```"):
            fence = line.removeprefix("```").strip() if fence is None else None
        elif fence in SHELL and fence is not None and waits_for:
            waits_for = "" if line == waits_for else waits_for
        elif fence in SHELL and fence is not None:
            number, whole = (number, whole + line) if whole else (at, line)
            if whole.endswith("\\"):
                whole = whole[:-1]
                continue
            if here := re.search(r"<<\s*'?(\w+)'?", whole):
                waits_for = here[1]
            for part in whole.removeprefix("$ ").split(" && "):
                words = split(part)
                if words and (words[0] in PROGRAMS or "=" in words[0]):
                    found.append(Command(page.name, number, words))
            whole = ""
    return found


def split(line: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(line, comments=True))
    except ValueError:  # an apostrophe of prose
        return ()


def inline(page: Path) -> list[Command]:
    """Commands within the prose, such as `crack-survey data info ROOT`."""
    found = []
    for at, line in enumerate(page.read_text("utf-8").splitlines(), 1):
        for code in re.findall(r"`(crack-survey [^`]+)`", line):
            found.append(Command(page.name, at, split(code)))
    return found


def complaint(arguments: tuple[str, ...]) -> str:
    """What the command says of arguments that it parses but does not act on; empty where they fit."""
    command = typer.main.get_command(app)
    _make_idle(command)
    try:
        command.main(list(arguments), prog_name="crack-survey", standalone_mode=False)
    except (Exception, SystemExit) as error:
        told = getattr(error, "format_message", None)
        return told() if told else str(error) or repr(error)
    return ""


def _make_idle(command: Any) -> None:
    command.callback = lambda **_: None
    for inner in getattr(command, "commands", {}).values():
        _make_idle(inner)
