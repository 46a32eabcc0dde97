"""How the command tells of errors: what is wrong and what to do, two lines instead of a traceback."""

from __future__ import annotations

import errno
import sys
from typing import Any

from typer.core import TyperGroup

from models.errors import UserError

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells expect it."""

_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST}


class Commands(TyperGroup):
    """A group of commands that tells mistakes of the user and of the machine; a bug keeps its traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except UserError as error:
            _tell(error.problem, error.remedy)
            raise SystemExit(error.exit_status) from error
        except KeyboardInterrupt as error:
            _tell("Stopped.", "Run the same command again: it goes on from the last snapshot.")
            raise SystemExit(INTERRUPTED) from error
        except Exception as error:
            told = of_the_machine(error)
            if told is None:
                raise
            _tell(*told)
            raise SystemExit(1) from error


def of_the_machine(error: Exception) -> tuple[str, str] | None:
    """Problem and remedy where `error` is the machine's rather than ours: disk, rights, no server; else None.

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
            f"Runs and records go to {home().resolve()}. Free some space or mend the folder's rights and run the same "
            "command again: it goes on where it was. CRACK_SURVEY_HOME names another folder."
        )
    if "reach API" in text or "Prefect API server" in text:
        return f"No Prefect server answers: {text}", (
            "Start the one that PREFECT_API_URL names (`prefect server start`), or unset it to do without. "
            "If it is unset, PREFECT_SERVER_LOGGING_LEVEL=INFO shows why our own did not start."
        )
    return None


def _tell(problem: str, remedy: str) -> None:
    print(f"Error: {problem}\n{remedy}", file=sys.stderr)
