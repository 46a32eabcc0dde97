"""A real Prefect server on a loopback port: it refuses whoever does not know its secret, and schedules are kept."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from flows.deployments import BY_HAND
from pipeline.storage.records import read_table
from tests.flows.conftest import begin_with
from tests.flows.test_cli import assert_told, crack_survey
from tests.pipeline.survey.conftest import make_bundle, make_photographs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SECRET = "admin:a-secret"
SCHEDULES = """
deployments:
  - flow: survey
    name: often
    interval: 1m
    parameters:
      settings: {photos: photographs, bundle: bundle, out: out, device: cpu}
"""


class Server(NamedTuple):
    """Where it answers, and the environment of a client that knows the secret."""

    url: str
    environment: dict[str, str]

    def ask(self, path: str, **body: Any) -> Any:
        """POST, with the secret."""
        answer = httpx.post(f"{self.url}{path}", json=body, auth=("admin", SECRET.split(":")[1]), timeout=600)
        answer.raise_for_status()
        return answer.json()


@pytest.fixture(scope="module")
def server(empty_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    begin_with(empty_database, folder / "prefect.db")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")} | {
        "PREFECT_HOME": str(folder),
        "PREFECT_API_URL": url,
        "PREFECT_SERVER_API_AUTH_STRING": SECRET,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "log").open("wb") as log, running(command, folder, environment, log) as process:
        wait_for(lambda: answers(url), process, folder / "log", 600)
        yield Server(url, environment | {"PREFECT_API_AUTH_STRING": SECRET})


class running:  # noqa: N801  # reads as a word after `with`
    """A process, ended with its children when the block ends."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str], log: Any) -> None:
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )

    def __enter__(self) -> subprocess.Popen[bytes]:
        return self.process

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(600)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(600)


def wait_for(met: Callable[[], Any], process: subprocess.Popen[bytes], log: Path, seconds: float) -> Any:
    """What `met` answers once that is something; the log where the process ends or the time is up."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := met():
            return found
        assert process.poll() is None, log.read_text()
        time.sleep(0.5)
    raise AssertionError(f"not within {seconds} s:\n{log.read_text()}")


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def test_a_call_without_the_secret_is_refused(server: Server) -> None:
    path = f"{server.url}/admin/version"
    assert httpx.get(path, timeout=600).status_code == 401
    assert httpx.get(path, timeout=600, auth=("admin", "a-guess")).status_code == 401
    assert httpx.get(path, timeout=600, auth=("admin", SECRET.split(":")[1])).status_code == 200
    assert httpx.post(f"{server.url}/flow_runs/filter", json={}, timeout=600).status_code == 401


def test_a_command_that_does_not_know_the_secret_says_what_to_set(server: Server) -> None:
    with temporary_settings({PREFECT_API_URL: server.url}, restore_defaults={PREFECT_API_AUTH_STRING}):
        assert_told(crack_survey("serve"), 1, "401", "PREFECT_API_AUTH_STRING")


def test_an_address_that_is_no_api_is_told(server: Server) -> None:
    with temporary_settings({PREFECT_API_URL: server.url.removesuffix("/api"), PREFECT_API_AUTH_STRING: SECRET}):
        result = crack_survey("serve")
    assert result.exit_code in (1, 2), result.output
    assert "/api" in result.stderr
    assert "Traceback" not in result.output


def test_a_schedule_makes_a_run_and_rests_while_nobody_serves_it(server: Server, tmp_path: Path) -> None:
    make_photographs(tmp_path / "photographs", 2)
    make_bundle(tmp_path / "bundle")
    (tmp_path / "schedules.yaml").write_text(SCHEDULES)
    command = [sys.executable, "-c", "from flows.cli import main; main()", "serve"]
    log = tmp_path / "log"

    def finished() -> list[dict[str, Any]]:
        done = {"state": {"type": {"any_": ["COMPLETED", "FAILED", "CRASHED"]}}}
        runs = server.ask("/flow_runs/filter", flow_runs=done, deployments={"name": {"any_": ["often"]}})
        return [run for run in runs if run["auto_scheduled"]]

    with log.open("wb") as out, running(command, tmp_path, server.environment, out) as process:
        run = wait_for(finished, process, log, 600)[0]
        deployments = {one["name"]: one for one in server.ask("/deployments/filter")}
        assert {one.name for one in BY_HAND} | {"often"} == set(deployments)
        assert not deployments["often"]["paused"]
    assert run["state"]["type"] == "COMPLETED", log.read_text()
    assert run["name"].startswith("survey photographs 2")
    assert {"survey", "photographs"} <= set(run["tags"])
    kinds = {one["key"]: one["type"] for one in server.ask("/artifacts/filter")}
    assert kinds == {"survey": "table", "survey-worst": "markdown", "survey-progress": "progress"}, "a key each"
    assert read_table("runs", tmp_path / "out")["images"].tolist() == [2], "paths start from where serve runs"
    assert {one["name"]: one for one in server.ask("/deployments/filter")}["often"]["paused"], log.read_text()
