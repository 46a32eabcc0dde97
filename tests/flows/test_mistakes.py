"""A Prefect server that is away, closed or no Prefect server is told as such; a bug is not."""

from __future__ import annotations

import asyncio
import errno
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prefect.exceptions import PrefectHTTPStatusError

from flows.mistakes import of_the_machine

ADDRESS = "http://127.0.0.1:4200/api"


@pytest.fixture(autouse=True)
def address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", ADDRESS)


def raised(error: Exception, cause: BaseException | None = None) -> Exception:
    """The error as it arrives, with the one it was raised from."""
    try:
        raise error from cause
    except Exception as caught:
        return caught


def status_error(status: int) -> httpx.HTTPStatusError:
    request = httpx.Request("POST", f"{ADDRESS}/flows/")
    response = httpx.Response(status, request=request)
    return PrefectHTTPStatusError.from_httpx_error(httpx.HTTPStatusError("refused", request=request, response=response))


def away() -> Iterator[Exception]:
    connect = httpx.ConnectError("All connection attempts failed")
    yield connect
    yield httpx.ReadTimeout("")
    yield httpx.UnsupportedProtocol("Request URL is missing an 'http://' or 'https://' protocol.")
    yield raised(RuntimeError(f"Failed to reach API at {ADDRESS}"), connect)
    yield RuntimeError(f"Failed to reach API at {ADDRESS}/")
    yield raised(RuntimeError("Service 'EventsWorker' failed"), connect)
    yield ExceptionGroup("unhandled errors in a TaskGroup", [connect, httpx.ConnectTimeout("")])
    yield RuntimeError("Timed out while attempting to connect to ephemeral Prefect API server.")


@pytest.mark.parametrize("error", list(away()), ids=repr)
def test_no_server_answers(error: Exception) -> None:
    told = of_the_machine(error)
    assert told is not None
    assert "No Prefect server answers" in told[0]
    assert "prefect server start" in told[1]


def test_the_address_that_does_not_answer_is_named() -> None:
    told = of_the_machine(httpx.ConnectError("All connection attempts failed"))
    assert told is not None
    assert ADDRESS in told[0]


@pytest.mark.parametrize(
    ("status", "remedy"),
    [(401, "PREFECT_API_AUTH_STRING"), (403, "PREFECT_API_AUTH_STRING"), (404, "/api"), (500, "log")],
)
def test_a_server_that_refuses(status: int, remedy: str) -> None:
    told = of_the_machine(status_error(status))
    assert told is not None
    assert str(status) in told[0]
    assert remedy in told[1]


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a bug"),
        ConnectionError("of something else"),
        ExceptionGroup("", [httpx.ConnectError(""), ZeroDivisionError("a bug")]),
        asyncio.InvalidStateError(),
    ],
    ids=repr,
)
def test_a_bug_stays_one(error: Exception) -> None:
    assert of_the_machine(error) is None


def test_a_bug_met_while_handling_a_lost_server_stays_one() -> None:
    bug = ZeroDivisionError("a bug")
    bug.__context__ = httpx.ConnectError("gone")
    assert of_the_machine(bug) is None


def test_no_password_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://admin:secret@127.0.0.1:4200/api")
    told = of_the_machine(httpx.ConnectError("All connection attempts failed"))
    assert told is not None
    assert "secret" not in " ".join(told)


def test_a_folder_that_cannot_be_written_is_told_wherever_it_lies() -> None:
    told = of_the_machine(OSError(errno.EACCES, "Permission denied", "/mnt/roads/records/sections"))
    assert told is not None
    assert "/mnt/roads/records/sections" in told[0]
    assert "--out" in told[1]  # a survey's own output does not lie in the home


def test_a_command_that_is_told_to_end_says_that_it_goes_on() -> None:
    code = (
        "import os, signal, sys, flows.cli as cli;"
        "cli.app = lambda: os.kill(os.getpid(), signal.SIGTERM);"
        "signal.signal(signal.SIGTERM, signal.SIG_DFL);"
        "cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGTERM
    assert "Run the same command again: a run or a survey goes on where it was." in done.stderr
    assert "Traceback" not in done.stderr


def test_a_path_that_no_file_can_have_is_told(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    for impossible in (tmp_path / ("x" * 300), tmp_path / "loop"):
        with pytest.raises((OSError, RuntimeError)) as caught:
            impossible.resolve(strict=True).stat()
        told = of_the_machine(caught.value)
        assert told is not None
        assert str(impossible) in told[0]
        assert told[1].startswith("Give another path")
