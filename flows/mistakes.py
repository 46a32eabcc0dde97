"""How the command tells of errors: what is wrong and what to do, two lines instead of a traceback."""

from __future__ import annotations

import errno
import io
import os
import re
import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

from typer.core import TyperGroup

from models.errors import UserError

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells expect it."""

STOPPED = ("Stopped.", "Run the same command again: a run or a survey goes on where it was.")
"""What is told of a command that was ended from outside."""

_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST}

_NO_PATH = {errno.ENAMETOOLONG, errno.ELOOP}

_GAVE_UP = "Service exceeded error threshold"
"""What Prefect's services say when they could not reach the server several times in a row."""

_FOR_NOW = {408, 429}
"""Statuses below 500 by which a server says: not now."""


class Commands(TyperGroup):
    """A group of commands that tells the user's mistakes and the machine's in two lines; a bug keeps its traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        print_anywhere()
        try:
            return super().invoke(ctx)
        except UserError as error:
            _tell(error.problem, error.remedy)
            raise SystemExit(error.exit_status) from error
        except KeyboardInterrupt as error:
            _tell(*STOPPED)
            raise SystemExit(INTERRUPTED) from error
        except Exception as error:
            told = of_the_machine(error)
            if told is None:
                raise
            _tell(*told)
            raise SystemExit(1) from error


def tell_when_terminated() -> None:
    """Let SIGTERM, which a shutdown or a scheduler sends, end this process as ever, but not without a word.

    Prefect, which has a handler of its own while a flow runs, hands on to this one.
    """
    if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminated)


def _terminated(number: int, frame: FrameType | None) -> None:
    problem, remedy = STOPPED
    try:  # `print` may be what was interrupted, and cannot be entered again
        os.write(2, f"\nError: {problem}\n{remedy}\n".encode())
    finally:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


def of_the_machine(error: Exception) -> tuple[str, str] | None:
    """Problem and remedy where `error` is the machine's rather than ours: disk, rights, path, no server; else None.

    >>> of_the_machine(OSError(errno.ENOSPC, "No space left on device", "a"))[0]
    "[Errno 28] No space left on device: 'a'"
    >>> of_the_machine(ValueError("a bug"))
    """
    text = str(error)
    # Libraries written in Rust and C++ pass a full disk on as errors of their own.
    full = "No space left" in text or "PytorchStreamWriter failed writing" in text
    if full or (isinstance(error, OSError) and error.errno in _DISK):
        from pipeline.settings import home

        return text, (
            "Free some space or mend the folder's rights and run the same command again: it goes on where it was. "
            f"Runs and records go to {home().resolve()}, which CRACK_SURVEY_HOME changes; a survey's to its --out."
        )
    # Before Python 3.13 pathlib tells a loop of links as a RuntimeError.
    if (isinstance(error, OSError) and error.errno in _NO_PATH) or text.startswith("Symlink loop from"):
        return text, "Give another path: this name is too long for a file, or a link in it leads back to itself."
    return _of_the_server(error)


def server_is_away(error: BaseException) -> bool:
    """Whether all that `error` says is that Prefect's server does not answer, or is out of order for now.

    >>> server_is_away(RuntimeError("Failed to reach API at http://127.0.0.1:4200/api"))
    True
    >>> server_is_away(ValueError("a bug"))
    False
    """
    if "reach API" in str(error) or "Prefect API server" in str(error):
        return True
    httpx = sys.modules.get("httpx")
    return httpx is not None and all(
        root.response.status_code >= 500 or root.response.status_code in _FOR_NOW
        if isinstance(root, httpx.HTTPStatusError)
        else _GAVE_UP in str(root)
        or (isinstance(root, httpx.TransportError) and not isinstance(root, httpx.UnsupportedProtocol))
        for root in _roots(error)
    )


def _of_the_server(error: Exception) -> tuple[str, str] | None:
    """Problem and remedy where Prefect's server is away or refuses; None where even one cause is something else."""
    text = str(error)
    address = _without_password(os.environ.get("PREFECT_API_URL", ""))
    if "reach API" in text or "Prefect API server" in text:
        return _no_answer(text, "")
    # Whoever raised one of httpx's errors has imported it; `crack-survey --help` has not.
    httpx = sys.modules.get("httpx")
    roots = list(_roots(error))
    if httpx is None or not all(isinstance(root, httpx.HTTPError) for root in roots):
        return None
    root = roots[0]
    if not isinstance(root, httpx.HTTPStatusError):
        return _no_answer(str(root) or type(root).__name__, address)
    status, asked = root.response.status_code, root.request.url
    problem = f"The Prefect server refused with status {status}: {root.request.method} {_without_password(str(asked))}"
    if status in (401, 403):
        return problem, "Set PREFECT_API_AUTH_STRING to what the server has in PREFECT_SERVER_API_AUTH_STRING."
    if status in (404, 405):
        return problem, f"Is there a Prefect 3 server at PREFECT_API_URL={address}? The address ends in /api."
    return problem, "The log of `prefect server start` says why."


def _roots(error: BaseException) -> Iterator[BaseException]:
    """What an error, or each of a group's, was raised from; not what was merely being handled at the time."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _roots(one)
        return
    httpx = sys.modules.get("httpx")
    if error.__cause__ is None or (httpx is not None and isinstance(error, httpx.HTTPError)):
        yield error
    else:
        yield from _roots(error.__cause__)


def _without_password(address: str) -> str:
    """An address fit to be shown.

    >>> _without_password("http://admin:secret@roads.example/api")
    'http://roads.example/api'
    """
    return re.sub(r"//[^/@]*@", "//", address)


def _no_answer(told: str, address: str) -> tuple[str, str]:
    where = f" at PREFECT_API_URL={address}" if address else ""
    return f"No Prefect server answers{where}: {told}", (
        "Start the one that PREFECT_API_URL names (`prefect server start`), or unset it to do without. "
        "If it is unset, PREFECT_SERVER_LOGGING_LEVEL=INFO shows why our own did not start."
    )


def _tell(problem: str, remedy: str) -> None:
    print(f"Error: {_screenful(problem)}\n{_screenful(remedy)}", file=sys.stderr)


def _screenful(text: str, lines: int = 20, characters: int = 1600) -> str:
    """A message no longer than a screen: the beginning of it."""
    kept = "\n".join(text.splitlines()[:lines])[:characters]
    return kept if kept == text else f"{kept} …"


def print_anywhere() -> None:
    """Print what a terminal without Unicode lacks as `?` or an escape, instead of ending with a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="replace" if stream is sys.stdout else "backslashreplace")
