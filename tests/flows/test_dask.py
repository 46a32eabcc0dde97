from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from flows.survey import survey
from pipeline.storage.records import read_table
from pipeline.survey.layout import surveys_folder
from pipeline.survey.plan import find_unfinished
from pipeline.survey.settings import SurveySettings
from tests.flows.photographs import settings_of_twelve
from tests.pipeline.survey.conftest import make_bundle, make_photographs
from tests.pipeline.survey.one_process import run_survey
from tests.pipeline.survey.test_kills import assert_same_record, final_tables, settings_for


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundle") / "tiny")


@pytest.fixture
def settings(tmp_path: Path, bundle: Path) -> SurveySettings:
    return settings_of_twelve(tmp_path, bundle)


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A Dask scheduler and two worker processes on this machine, forked from one that has imported the flow."""
    pytest.importorskip("prefect_dask", reason="the extra [dask] is not installed")
    dask, distributed = pytest.importorskip("dask"), pytest.importorskip("distributed")
    with dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}):
        distributed.utils.get_mp_context().set_forkserver_preload(["distributed", "prefect_dask", "flows.survey"])
        with distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
        ) as made:
            yield made


@pytest.mark.timeout(600)
def test_a_dask_worker_killed_in_mid_batch_loses_and_doubles_nothing(
    prefect_api: str, bundle: Path, tmp_path: Path, cluster: Any
) -> None:
    photos = make_photographs(tmp_path / "photos", 30)
    plain = settings_for(photos, bundle, tmp_path / "plain")
    settings = settings_for(photos, bundle, tmp_path / "out", runner="dask", address=cluster.scheduler_address, chunk=2)
    run_survey(plain)
    killed: list[tuple[int, int]] = []

    def kill() -> None:
        while not list(surveys_folder(settings.target).glob("*/chunks/chunk-*")):
            time.sleep(0.01)
        worker = next(iter(cluster.workers.values())).process.pid
        os.kill(worker, signal.SIGKILL)
        unfinished = find_unfinished(settings.target)
        assert unfinished is not None
        killed.append((worker, len(list(unfinished.pending()))))

    thread = threading.Thread(target=kill)
    thread.start()
    row = survey(settings)
    thread.join()
    assert killed
    assert killed[0][1] > 0, "the batch was over before the kill"
    assert row is not None
    assert row["images"] == 30
    assert_same_record(settings.target, final_tables(plain.target))
    assert not pd.Series(read_table("images", settings.target)["name"]).duplicated().any()
