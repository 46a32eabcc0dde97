"""One Prefect server for all tests of flows, and one finished experiment on pictures of 96 px."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import cv2
import httpx
import numpy as np
import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.testing import utilities

from flows import showing
from pipeline.settings import RunSettings, make_settings
from pipeline.stages.record import RecordedRun

PICTURES, SIDE = 10, 96


class Finished(NamedTuple):
    """A finished run and where it lies."""

    recorded: RecordedRun
    flow_run_id: UUID
    settings: RunSettings
    home: Path


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prefect's database as its first server here has made it, once there is one: making it takes longer than starting.

    One for all processes that run tests together.
    """
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "empty.db"


@pytest.fixture(scope="session")
def prefect_api(empty_database: Path) -> Iterator[str]:
    """Address of a server on a database of its own; a flow's heartbeat would cost a second each."""
    folder = Path(tempfile.mkdtemp())  # the harness removes it when all is over
    database = folder / "prefect-test.db"  # the harness's name for it
    begin_with(empty_database, database)
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(utilities, "mkdtemp", lambda: str(folder))
            # The harness gives up where one of its questions waits 5 s for an answer, as on a busy machine.
            patch.setattr(httpx, "Client", partial(httpx.Client, timeout=600))
            stack.enter_context(utilities.prefect_test_harness(server_startup_timeout=600))
        keep_empty(database, empty_database)
        stack.enter_context(temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}))
        yield PREFECT_API_URL.value()


@pytest.fixture(autouse=True)
def server_not_lost() -> Iterator[None]:
    """A server that one test has lost is not lost for the next: a command that ends would end the process at once."""
    showing._lost.clear()
    yield
    showing._lost.clear()


@pytest.fixture(scope="session")
def tiny_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder data set: grey noise with one dark line each."""
    root = tmp_path_factory.mktemp("tiny")
    make_pictures(root)
    return root


@pytest.fixture
def own_root(tmp_path: Path) -> Path:
    """The same pictures in a folder that the test may spoil."""
    make_pictures(tmp_path / "own")
    return tmp_path / "own"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home."""
    monkeypatch.setenv("CRACK_SURVEY_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="session")
def finished(prefect_api: str, tiny_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """One run of the flow, whose home later tests go on with."""
    from flows.experiment import experiment

    where = tmp_path_factory.mktemp("home")
    settings = tiny_settings(tiny_root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRACK_SURVEY_HOME", str(where))
        state = experiment(settings, return_state=True)
        flow_run_id = state.state_details.flow_run_id
        assert flow_run_id is not None
        return Finished(state.result(), flow_run_id, settings, where)


@pytest.fixture
def finished_home(finished: Finished, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in the home of `finished`."""
    monkeypatch.setenv("CRACK_SURVEY_HOME", str(finished.home))
    return finished.home


def begin_with(empty: Path, database: Path) -> None:
    """Let a server that will be started on `database` begin with the empty one, where that is made already."""
    if empty.is_file():
        shutil.copy(empty, database)


def keep_empty(database: Path, empty: Path) -> None:
    """Copy a database that a server has just been started on, for the next."""
    if empty.is_file():
        return
    part = empty.with_name(f"empty-{os.getpid()}.db")
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(part)) as target:
        source.backup(target)
    part.replace(empty)


def tiny_settings(root: Path, **overrides: object) -> RunSettings:
    """Settings of a run over `make_pictures` in seconds; overrides are dotted, with ``__`` for the dot."""
    dotted = {name.replace("__", "."): value for name, value in overrides.items()}
    one_epoch = {"detector_training.epochs": 1, "segmenter_training.epochs": 1, "device": "cpu"}
    return make_settings("smoke", {"dataset.name": "folder", "dataset.root": root, **one_epoch, **dotted})


def make_pictures(root: Path) -> None:
    """Fill a folder data set with `PICTURES` pictures ``p0.png``, … and their masks."""
    rng = np.random.default_rng(0)
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True)
    for number in range(PICTURES):
        image = rng.integers(120, 160, (SIDE, SIDE, 3), dtype=np.uint8)
        mask = np.zeros((SIDE, SIDE), np.uint8)
        start = int(rng.integers(20, SIDE - 20))
        cv2.line(mask, (start, 0), (start + int(rng.integers(-15, 15)), SIDE - 1), 255, 3)
        image[mask > 0] = 30
        cv2.imwrite(str(root / "images" / f"p{number}.png"), image)
        cv2.imwrite(str(root / "masks" / f"p{number}.png"), mask)
