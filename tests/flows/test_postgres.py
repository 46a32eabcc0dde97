"""PostgreSQL below Prefect's server, killed and started again under a survey: the survey is done, and shown as done."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from flows.runtime import DEFAULTS
from pipeline.storage.records import read_table
from tests.flows.test_served import answers, running, wait_for
from tests.pipeline.survey.conftest import make_bundle, make_photographs

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(shutil.which("pg_ctl") is None, reason="no pg_ctl: PostgreSQL is not installed"),
]


class Database(NamedTuple):
    """A cluster in a folder of its own. PostgreSQL refuses to run as root, so there it runs as its own user."""

    folder: Path
    port: int

    def ctl(self, *words: str) -> None:
        log = self.folder.parent / "postgres.log"
        self.run("pg_ctl", "-w", "-t", "120", "-D", str(self.folder), "-l", str(log), *words)

    def run(self, *command: str) -> None:
        as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        subprocess.run([*as_user, *command], check=True, cwd="/", stdout=subprocess.DEVNULL, timeout=600)

    def start(self) -> None:
        self.ctl("-o", f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''", "start")

    def kill(self) -> None:
        self.ctl("-m", "immediate", "stop")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    parent = Path("/tmp") / f"crack-survey-postgres-{os.getpid()}"
    parent.mkdir()
    if os.geteuid() == 0:
        shutil.chown(parent, "postgres")
    made = Database(parent / "data", free_port())
    try:
        made.run("initdb", "-D", str(made.folder), "-U", "prefect", "-A", "trust", "--no-sync")
        made.start()
        yield made
        made.kill()
    finally:
        shutil.rmtree(parent, ignore_errors=True)


@pytest.fixture(scope="module")
def server(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Environment of a client of a server on that database."""
    folder = tmp_path_factory.mktemp("server")
    port = free_port()
    url = f"http://127.0.0.1:{port}/api"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")} | {
        **DEFAULTS,
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_API_URL": url,
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"postgresql+asyncpg://prefect@127.0.0.1:{database.port}/postgres",
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "log").open("wb") as log, running(command, folder, environment, log) as process:
        wait_for(lambda: answers(url), process, folder / "log", 600)
        yield environment


def test_a_survey_outlives_its_servers_database(database: Database, server: dict[str, str], tmp_path: Path) -> None:
    out, began = tmp_path / "out", datetime.now(UTC).isoformat()
    make_photographs(tmp_path / "photographs", 40)
    make_bundle(tmp_path / "bundle")
    words = ["survey", "photographs", "--bundle", "bundle", "--out", "out", "--device", "cpu", "--chunk", "1"]
    command = [sys.executable, "-c", "from flows.cli import main; main()", *words]
    with (tmp_path / "told").open("wb") as told, running(command, tmp_path, server, told) as process:
        for awaited in ("chunk-*", "records/runs/*/*"):  # in the middle, and over the end
            wait_for(lambda pattern=awaited: list(out.rglob(pattern)), process, tmp_path / "told", 240)
            database.kill()
            time.sleep(5)
            database.start()
        assert process.wait(600) == 0, (tmp_path / "told").read_text()
    assert "Traceback" not in (tmp_path / "told").read_text()
    assert read_table("runs", out)["images"].tolist() == [40]
    now = {"start_time": {"after_": began}}
    runs = httpx.post(f"{server['PREFECT_API_URL']}/flow_runs/filter", json={"flow_runs": now}, timeout=600).json()
    assert [run["state"]["name"] for run in runs] == ["Completed"]
