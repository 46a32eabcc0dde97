"""Download CrackForest as it lies upstream at one commit, every file checked against its SHA-256."""

from __future__ import annotations

import logging
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from importlib.resources import files
from pathlib import Path

import pooch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from models.errors import DataError
from pipeline.datasets.crackforest import CrackForest

COMMIT = "ed57c2d96754e6c7d105805cd29aeeb3a799f267"
BASE_URL = f"https://raw.githubusercontent.com/cuilimeng/CrackForest-dataset/{COMMIT}/"
ARCHIVE_URL = f"https://github.com/cuilimeng/CrackForest-dataset/archive/{COMMIT}.zip"

_AT_ONCE = 8
_TIMEOUT_S = 30


def fetch_crackforest(into: Path, base_url: str | None = None, registry: dict[str, str] | None = None) -> Path:
    """Download CrackForest (non-commercial research use) into the folder `into`.

    Files are fetched one by one, each written under a temporary name and renamed once its SHA-256 fits, so a broken
    download goes on where it stopped; files that are there and right are not fetched again.

    Args:
        into: folder to hold ``image/`` and ``groundTruth/``; made if need be.
        base_url: a mirror of the upstream tree; upstream at `COMMIT` by default.
        registry: SHA-256 (hex) by path below `into`; that of the upstream files by default.

    Returns:
        `into`, holding the whole data set.

    Raises:
        DataError: the server cannot be reached, a file does not have its SHA-256, or nothing can be written.
    """
    base = (base_url or BASE_URL).rstrip("/") + "/"
    into = Path(into).expanduser()
    if into.exists() and not into.is_dir():
        raise DataError(f"{into} is a file, not a folder.", "Name another folder to fetch into.")
    store = pooch.create(into, base, registry=registry or pinned_registry(), retry_if_failed=1)
    # Pooch tells of every file at level INFO, 273 lines beside the bar.
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        _fetch_all(store, into)
    finally:
        logger.setLevel(level)
    return CrackForest(into).root


def pinned_registry() -> dict[str, str]:
    """SHA-256 (hex) of the upstream files by path, from ``crackforest.sha256`` beside this module."""
    lines = files("pipeline.datasets").joinpath("crackforest.sha256").read_text("utf-8").splitlines()
    return {path: digest for digest, path in (line.split() for line in lines)}


def _fetch_all(store: pooch.Pooch, into: Path) -> None:
    columns = (TextColumn("CrackForest"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        Progress(*columns, console=Console(stderr=True)) as progress,
        ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="fetch") as pool,
    ):
        task = progress.add_task("fetch", total=len(store.registry))

        def advance(job: Future[None]) -> None:
            if not job.cancelled() and job.exception() is None:
                progress.advance(task)

        jobs = [pool.submit(_fetch_one, store, into, path) for path in store.registry]
        for job in jobs:
            job.add_done_callback(advance)
        try:
            done, _ = wait(jobs, return_when=FIRST_EXCEPTION)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        for job in done:
            job.result()


def _fetch_one(store: pooch.Pooch, into: Path, path: str) -> None:
    # Slow to import, and needed by downloads alone.
    from requests.exceptions import RequestException

    url = store.get_url(path)
    try:
        (into / path).parent.mkdir(parents=True, exist_ok=True)  # pooch's own way of making it is no match for threads
        store.fetch(path, downloader=pooch.HTTPDownloader(timeout=_TIMEOUT_S))
    except RequestException as error:
        raise DataError(f"{url} cannot be downloaded: {_reason(error)}.", _by_hand(into)) from error
    except ValueError as error:  # pooch's word for a hash that differs
        raise DataError(
            f"{url} does not have the SHA-256 {store.registry[path]} that is pinned for it.",
            f"It was altered on its way or at its source. Try again later; else: {_by_hand(into)}",
        ) from error
    except OSError as error:
        problem = f"{into / path} cannot be written: {error.strerror or error}."
        raise DataError(problem, "Make room, or choose another folder.") from error


def _reason(error: Exception) -> str:
    response = getattr(error, "response", None)
    return f"HTTP status {response.status_code}" if response is not None else type(error).__name__


def _by_hand(into: Path) -> str:
    return (
        f"Check the network and run the command again: it goes on where it stopped. Or download {ARCHIVE_URL} on "
        f"another machine and unpack it so that {into / 'image'} and {into / 'groundTruth'} exist."
    )
