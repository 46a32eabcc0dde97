"""A Prefect server of our own, for when none is named: where it does not start, it is said at once, and why.

Prefect starts one by itself too, but tries a server that cannot start again and again for minutes, and then tells only
that it timed out.
"""

from __future__ import annotations

import atexit
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from flows.runtime import console
from models.errors import UserError

TOLD_AFTER_S = 20
"""On an idle machine a server answers after 10 to 17 s: after so long a person wants to know what is waited for."""

GIVEN_UP_AFTER_S = 600
_TRIES = 5  # at a free port, which somebody else may take first
_EXCEPTION = re.compile(r"^[\w.]*(Error|Exception|Interrupt|Exit)\b.*")


_SERVE = """
import os, signal, sys, threading, time
from uvicorn.main import main

def end_with_parent():
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(10)
    os._exit(1)

threading.Thread(target=end_with_parent, daemon=True).start()
main(sys.argv[1:])
"""
"""uvicorn's command, made to end when its input closes: a parent that is killed can no longer stop its server."""


class ServerError(UserError):
    """Prefect's own server does not start."""


class Revisions(NamedTuple):
    """Of Prefect's database: the newest that the installed version knows, and all that it knows."""

    newest: str
    known: frozenset[str]


def start_own_server() -> None:
    """Start a server for this process and those that it starts, unless Prefect's settings name one.

    Raises:
        ServerError: it does not start, and why.
    """
    from prefect.settings import PREFECT_API_URL, PREFECT_SERVER_ALLOW_EPHEMERAL_MODE

    if PREFECT_API_URL.value() or not PREFECT_SERVER_ALLOW_EPHEMERAL_MODE.value():
        return
    console.print("Starting Prefect; without a server of its own (PREFECT_API_URL) this takes 15 s.")
    check_database(_database(), _revisions())
    with tempfile.TemporaryDirectory(prefix="crack-survey-") as folder:
        log = Path(folder) / "server.log"
        for _ in range(_TRIES):
            if _starts(log):
                return
            if "address already in use" not in log.read_text(errors="replace"):
                break
        raise refused(log.read_text(errors="replace"))


def check_database(database: Path | None, revisions: Revisions) -> None:
    """Tell of a database that another version of Prefect has made.

    Args:
        database: SQLite file; none where Prefect's database is another, which is not looked into.
        revisions: of the installed version.

    Raises:
        ServerError: it is newer, so that the installed version cannot use it, or it is no database.
    """
    if database is None or not database.is_file():
        return
    try:
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError:  # locked, or without that table: the server will see
        return
    except sqlite3.DatabaseError as error:
        raise ServerError(f"Prefect's database {database} cannot be read: {error}.", _elsewhere(database)) from error
    if row is None or row[0] == revisions.newest:
        return
    if row[0] not in revisions.known:
        raise ServerError(
            f"Prefect's database {database} was made by a newer Prefect than this, {_version()}: "
            f"its revision {row[0]} is not known.",
            _elsewhere(database),
        )
    console.print(
        f"Prefect's database {database} was made by an older Prefect. It is brought up to {_version()} now, which may "
        "take minutes; the older one cannot use it any more.",
        markup=False,
        soft_wrap=True,
    )


def _starts(log: Path) -> bool:
    """Start a server at a free port and put it where Prefect looks for its own; stopped at the end of the process."""
    from prefect.server.api.server import SubprocessASGIServer

    server = SubprocessASGIServer()
    if server.running:
        return True
    server.port = server.find_available_port()
    server.server_process = _launch(server.port, log)
    server.running = True
    try:
        if wait_for(server.server_process, lambda: _answers(server.api_url), log):
            atexit.register(server.stop)
            return True
    except BaseException:
        server.stop()
        raise
    server.stop()
    return False


def wait_for(process: subprocess.Popen[bytes], answers: Callable[[], bool], log: Path) -> bool:
    """Wait until a server answers. False: it has ended, or said nothing for `GIVEN_UP_AFTER_S`."""
    began, told = time.monotonic(), False
    while process.poll() is None:
        if answers():
            return True
        waited = time.monotonic() - began
        if waited > GIVEN_UP_AFTER_S:
            return False
        if waited > TOLD_AFTER_S and not told:
            told = True
            said = reason(log.read_text(errors="replace")) or "nothing, as when the machine is busy"
            console.print(f"Prefect's server does not answer yet. What it has said: {said}", markup=False)
        time.sleep(0.1)
    return False


def refused(log: str) -> ServerError:
    """The error of a server that has said `log` and ended."""
    return ServerError(
        f"Prefect's own server does not start: {reason(log) or 'it says nothing of why'}",
        "`prefect server start` shows all that it says. PREFECT_HOME names another folder for its database "
        f"({_database() or 'not a file'}); PREFECT_API_URL a server that runs already.",
    )


def reason(log: str) -> str:
    """The line of a server's log that says most of why: the last exception's, else the last.

    >>> reason("Traceback …:" + chr(10) + "OSError: no room" + chr(10) + "ERROR | Application startup failed. Exiting.")
    'OSError: no room'
    """
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    raised = [line for line in lines if _EXCEPTION.match(line)]
    said = (raised or lines or [""])[-1]
    return said if len(said) <= 300 else said[:299] + "…"


def _launch(port: int, log: Path) -> subprocess.Popen[bytes]:
    """Start the server as Prefect does, what it says going to `log`; it ends when its input does."""
    import prefect
    from prefect.settings import get_current_settings

    with log.open("ab") as said:
        return subprocess.Popen(
            [
                *(sys.executable, "-c", _SERVE, "--app-dir", str(prefect.__module_path__.parent)),
                *("--factory", "prefect.server.api.server:create_app", "--host", "127.0.0.1", "--port", str(port)),
                *("--log-level", "error", "--lifespan", "on"),
            ],
            env={
                **os.environ,
                **get_current_settings().to_environment_variables(exclude_unset=True),
                "PREFECT_UI_ENABLED": "0",
                "PREFECT__SERVER_EPHEMERAL": "1",
                "PREFECT__SERVER_FINAL": "1",
                "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
            },
            stdin=subprocess.PIPE,  # never written to: it closes when this process ends, whatever ends it
            stdout=said,
            stderr=said,
            start_new_session=True,  # Ctrl-C and `timeout` reach a whole group, and this process has to tell it first
        )


def _answers(api_url: str) -> bool:
    import httpx

    try:
        return httpx.get(f"{api_url}/health", timeout=60, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def _database() -> Path | None:
    """Prefect's SQLite file; None for another database."""
    from prefect.settings import PREFECT_API_DATABASE_CONNECTION_URL

    address = str(PREFECT_API_DATABASE_CONNECTION_URL.value() or "")
    found = re.fullmatch(r"sqlite\+aiosqlite:///(?P<path>/[^?]*)(\?.*)?", address)
    return Path(found["path"]) if found else None


def _revisions() -> Revisions:
    """Of the installed Prefect, from the files that bring a database up to date."""
    import prefect

    folder = Path(prefect.__module_path__) / "server" / "database" / "_migrations" / "versions" / "sqlite"
    text = "\n".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    known = re.findall(r"^revision(?:: \w+)? = [\"'](\w+)", text, re.MULTILINE)
    before = set(re.findall(r"^down_revision(?:: [^=]+)? = [\"'](\w+)", text, re.MULTILINE))
    newest = [revision for revision in known if revision not in before]
    return Revisions(newest[-1] if newest else "", frozenset(known))


def _version() -> str:
    import prefect

    return f"Prefect {prefect.__version__}"


def _elsewhere(database: Path) -> str:
    return (
        f"Give Prefect another folder, for example PREFECT_HOME={database.parent}-crack-survey, or move the file away "
        "(past flow runs go with it; the record in Parquet stays). PREFECT_API_URL names a server that runs already."
    )
