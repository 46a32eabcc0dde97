"""Prefect's server of our own: how it starts, and what is told where it does not."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flows import runtime
from flows.own_server import Revisions, ServerError, _launch, check_database, reason, wait_for
from models.shipped import shipped_bundle

OLDER, NEWEST, NEWER = "aaaa", "bbbb", "cccc"
REVISIONS = Revisions(NEWEST, frozenset({OLDER, NEWEST}))
BUNDLE = str(shipped_bundle("roads"))
HANGS_S = 600


def database(folder: Path, revision: str) -> Path:
    """A database of Prefect's as far as its revision goes."""
    path = folder / "prefect.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.execute("INSERT INTO alembic_version VALUES (?)", (revision,))
    return path


def command(*arguments: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """`crack-survey` as a new user runs it: without a server, with a Prefect folder of its own."""
    own = {"CRACK_SURVEY_HOME": str(home / "data"), "PREFECT_HOME": str(home / "prefect"), **environment}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    code = "from flows.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], env=kept | own, capture_output=True, text=True, timeout=HANGS_S
    )


def ended(process: int) -> bool:
    """Whether a process that need not be ours has ended, whoever has still to take note of it."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    state = Path(f"/proc/{process}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_server_ends_with_a_process_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from flows.own_server import _launch; "
        "print(_launch(int(sys.argv[1]), Path(sys.argv[2])).pid, flush=True); time.sleep(600)"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen([sys.executable, "-c", code, str(port), tmp_path / "log"], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        server = int(parent.stdout.readline())
        assert not ended(server)
        parent.kill()
    began = time.monotonic()
    while not ended(server) and time.monotonic() - began < HANGS_S:
        time.sleep(0.1)
    assert ended(server)


def test_a_newer_database_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="made by a newer Prefect") as told:
        check_database(database(tmp_path, NEWER), REVISIONS)
    assert str(tmp_path) in told.value.problem
    assert "PREFECT_HOME" in told.value.remedy


def test_an_older_database_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check_database(database(tmp_path, OLDER), REVISIONS)
    assert "made by an older Prefect" in capsys.readouterr().err


def test_of_a_database_of_this_version_nothing_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check_database(database(tmp_path, NEWEST), REVISIONS)
    check_database(tmp_path / "not-yet.db", REVISIONS)
    check_database(None, REVISIONS)
    assert capsys.readouterr().err == ""


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "prefect.db").write_bytes(b"not a database" * 100)
    with pytest.raises(ServerError, match="cannot be read"):
        check_database(tmp_path / "prefect.db", REVISIONS)


def test_a_server_that_ends_is_not_waited_for(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("ab") as said:
        process = subprocess.Popen([sys.executable, "-c", "raise OSError('no room')"], stderr=said)
    assert not wait_for(process, lambda: False, log)
    assert reason(log.read_text()) == "OSError: no room"


def test_what_ends_a_command_s_group_leaves_it_its_server(tmp_path: Path) -> None:
    server = _launch(1, tmp_path / "log")  # a port that is not for everybody: it does not get far
    try:
        assert os.getpgid(server.pid) != os.getpgid(0)
        assert server.stdin is not None
        server.stdin.close()
        server.wait(60)
    finally:
        server.kill()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "127.0.0.1,localhost,::1"),
        ({"no_proxy": "intranet, localhost"}, "intranet,localhost,127.0.0.1,::1"),
        ({"NO_PROXY": "intranet"}, "intranet,127.0.0.1,localhost,::1"),
        ({"NO_PROXY": "*"}, "*"),
    ],
    ids=str,
)
def test_loopback_goes_through_no_proxy(given: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv(name, "") if name not in given else monkeypatch.setenv(name, given[name])
    runtime.reach_this_machine_directly()
    assert os.environ["no_proxy"] == os.environ["NO_PROXY"] == expected


@pytest.mark.slow
def test_a_command_starts_its_server_behind_a_proxy_that_is_away(tmp_path: Path) -> None:
    away = "http://127.0.0.1:9"
    (tmp_path / "empty").mkdir()
    photos = str(tmp_path / "empty")
    done = command("survey", photos, home=tmp_path, HTTP_PROXY=away, http_proxy=away, HTTPS_PROXY=away)
    assert (done.returncode, "empty holds no photograph" in done.stderr) == (1, True), done.stderr


@pytest.mark.slow
def test_a_command_says_why_its_server_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "prefect").mkdir()
    broken = database(tmp_path / "prefect", NEWER)
    done = command("evaluate", "--bundle", BUNDLE, home=tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert f"{broken} was made by a newer Prefect" in done.stderr
    elsewhere = "sqlite+aiosqlite:////nowhere/prefect.db"
    done = command("evaluate", "--bundle", BUNDLE, home=tmp_path, PREFECT_API_DATABASE_CONNECTION_URL=elsewhere)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "Prefect's own server does not start: " in done.stderr
    assert "unable to open database file" in done.stderr
