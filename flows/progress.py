"""Where a stage stands: lines in the log, a bar on a terminal, a progress artifact in the Prefect UI."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.logging import get_logger, get_run_logger
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from flows.artifacts import without_server_errors
from flows.runtime import OURS, console, shows_bars
from flows.showing import in_a_run
from pipeline.training.loop import Report

ARTIFACT_EVERY = 2.0  # s; an update takes about 20 ms
REST = 60.0  # s without an artifact after the server did not answer
LINE_EVERY = 30.0  # s without a line, where there is no bar


def say(line: str) -> None:
    """Log one line of the running flow or task: to the terminal and, where Prefect runs it, to its UI."""
    logger = get_run_logger() if in_a_run() else get_logger()
    logger.getChild(OURS).info(line)  # type: ignore[union-attr]


@contextmanager
def stage_progress(stage: str) -> Iterator[Report]:
    """Give a `Report` that says where `stage` stands. Has to be entered within a task."""
    bar = _bar() if shows_bars() else None
    with bar or nullcontext():
        yield _StageReport(stage, bar)


class _StageReport:
    """The `Report` of one stage; remembers when it last spoke."""

    def __init__(self, stage: str, bar: Progress | None) -> None:
        self.stage = stage
        self.bar = bar
        self.row = bar.add_task(stage, total=None) if bar else None
        self.artifact: UUID | None = None
        self.artifact_at = self.line_at = time.monotonic()
        self._show(0.0, f"{stage}: not begun")

    def __call__(self, done: int, total: int, line: str) -> None:
        now = time.monotonic()
        share = done / max(total, 1)
        if self.bar is not None and self.row is not None:
            self.bar.update(self.row, completed=done, total=total)
        elif not line and now - self.line_at >= LINE_EVERY:
            line = f"{share:.0%}"
        if line:
            say(f"{self.stage}: {line}")
            self.line_at = now
        if now - self.artifact_at >= ARTIFACT_EVERY or (done == total and now >= self.artifact_at):
            self.artifact_at = now
            self._show(100 * share, f"{self.stage}: {line}" if line else None)

    def _show(self, percent: float, description: str | None) -> None:
        """Show it in Prefect's UI. A call is tried only once, for the next one tells more."""
        if not in_a_run():
            return
        with without_server_errors(), temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}):
            if self.artifact is None:
                key = self.stage.replace(" ", "-")
                self.artifact = _uuid(create_progress_artifact(percent, key=key, description=description))
            else:
                update_progress_artifact(self.artifact, percent, description)
            return
        self.artifact_at = time.monotonic() + REST  # only an error leads here


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )


def _uuid(created: Any) -> UUID:
    """The id itself: Prefect types its calls for sync and async code at once, and this is sync code."""
    assert isinstance(created, UUID)
    return created
