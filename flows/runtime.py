"""How a command meets Prefect: defaults for its settings, lines a person can read, and bars on a terminal."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from rich.console import Console

OURS = "crack_survey"
"""Child of Prefect's run loggers that the experiment's own lines go through."""

TELLING = ("prefect._internal", "prefect.events", "prefect.concurrency")
"""Loggers of how Prefect tells its server, which complain of each task that it could not tell of."""

console = Console(stderr=True, highlight=False)
"""Standard error, shared by lines and bars so that neither tears the other."""

# An environment that says otherwise wins. A server of our own takes 11–17 s to start, and Prefect gives it 20 s.
DEFAULTS = {
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    # Below this it tells of every locked table with a traceback, and then tries again.
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "DO_NOT_TRACK": "1",
    # A call is tried for two minutes (2 + 4 + … + 64 s, each a fifth more or less), so that neither a database that is
    # started anew (500) nor a proxy without a server behind it (502, 504) costs anything; 429, 502, 503 are Prefect's.
    "PREFECT_CLIENT_MAX_RETRIES": "6",
    "PREFECT_CLIENT_RETRY_EXTRA_CODES": "500,504",
    # A run without a sign of life for three times as long is dead: docs/automations.yaml.
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
}

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def configure() -> None:
    """Set Prefect's defaults for this process and its children; has to run before Prefect is imported."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    reach_this_machine_directly()
    if not _has_home():
        find_room()


def reach_this_machine_directly() -> None:
    """Let no proxy stand between this process, or its children, and a server on the same machine."""
    given = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    hosts = [host.strip() for host in given.split(",") if host.strip()]
    if "*" not in hosts:
        hosts += [host for host in LOOPBACK if host not in hosts]
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = ",".join(hosts)


def find_room() -> None:
    """Let Prefect and Matplotlib write elsewhere than in the home of a user who has none.

    Prefect's database goes to ``prefect/`` in the home of runs, since it has to last. Prefect wants to know of a home
    all the same, and cannot be imported where there is neither HOME nor a user of this process's number.
    """
    from models.compiled import private_folder
    from pipeline.settings import home

    os.environ.setdefault("HOME", str(home().resolve()))
    os.environ.setdefault("PREFECT_HOME", str(home().resolve() / "prefect"))
    if folder := private_folder("matplotlib"):
        os.environ.setdefault("MPLCONFIGDIR", str(folder))


def _has_home() -> bool:
    """Whether this user has a home that this process may write in, or make."""
    try:
        folder = Path("~").expanduser()
    except RuntimeError:  # no HOME, and no user of this number
        return False
    there = next(path for path in (folder, *folder.parents) if path.exists())
    return os.access(there, os.W_OK | os.X_OK)


class Lines(logging.Handler):
    """Shows the experiment's lines as they are and, of all others, warnings.

    Prefect logs a failed run with its traceback before it raises the error; whoever started the run reports it, so
    those records are left to the server.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record, or leave it out."""
        ours = record.name.endswith(OURS)
        of_a_run = record.name.startswith(("prefect.flow_runs", "prefect.task_runs"))
        if record.levelno < (logging.INFO if ours else logging.WARNING):
            return
        if (of_a_run and not ours and record.levelno >= logging.ERROR) or record.name.startswith(TELLING):
            return
        try:
            text = self.format(record)
            console.print(text if ours else f"{record.levelname.lower()}: {text}", markup=False, soft_wrap=True)
        except Exception:
            self.handleError(record)


def show_lines() -> None:
    """Put `Lines` in place of Prefect's own console handler."""
    import prefect.main  # noqa: F401  # sets up logging, which would undo what follows

    root, internal = logging.getLogger(), logging.getLogger("prefect._internal")
    for logger in (root, internal):
        kept = [handler for handler in logger.handlers if type(handler).__module__ != "prefect.logging.handlers"]
        logger.handlers = kept
    internal.propagate = True  # else Python itself would print what no handler takes
    if not shows_lines():
        root.addHandler(Lines())


def shows_lines() -> bool:
    """Whether this process talks to a person (`show_lines`), rather than to a server's log."""
    return any(isinstance(handler, Lines) for handler in logging.getLogger().handlers)


def shows_bars() -> bool:
    """Whether a progress bar would be seen: a person, at a terminal."""
    return shows_lines() and console.is_terminal and sys.stderr.isatty()
