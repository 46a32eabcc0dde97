"""What the Prefect UI shows stays small, and what a person reads is told in a person's units."""

from __future__ import annotations

import base64
import io
import logging
import subprocess
import sys
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image as PillowImage

from flows.artifacts import CAPTIONS, MOST_BYTES, WIDTH_PX, report_markdown, without_server_errors
from flows.comparison import FIGURES, FULL_FRAME, compare
from flows.runtime import OURS, Lines, console
from flows.survey_artifacts import survey_lines
from pipeline.storage.records import PAPER
from pipeline.storage.schemas import HEADLINE, SCHEMAS


def noise(count: int) -> list[dict[str, np.ndarray]]:
    """Views that compress badly."""
    rng = np.random.default_rng(0)
    return [{name: rng.integers(0, 255, (320, 480, 3), dtype=np.uint8) for name in CAPTIONS} for _ in range(count)]


def test_every_figure_is_a_column_of_the_record() -> None:
    told = {column for column, *_ in FIGURES} | set(FULL_FRAME.values())
    assert told <= set(SCHEMAS["runs"].names)
    beside = {"boxes_per_clean_image", "segmented_share"}  # of some data sets; what lies behind the data reduction
    assert beside < told
    assert set(HEADLINE) == told - beside, "and no headline figure is kept from the reader"


@pytest.mark.parametrize("count", [0, 1, 3, 30])
def test_the_page_stays_small(count: int) -> None:
    page = report_markdown({"precision": 0.5, "dataset": "crackforest"}, "title", Path("report.html"), noise(count))
    assert len(page.encode()) <= MOST_BYTES
    assert ("data:image/jpeg" in page) == (count > 0)
    assert "| precision of boxes | 50.00 % | – | 98.92 % |" in page


def test_the_paper_stands_beside_its_own_data_set_only() -> None:
    page = report_markdown({"precision": 0.5, "dataset": "dnit"}, "title", Path("report.html"), [])
    assert "| figure | this run | full frame |" in page
    assert "| precision of boxes | 50.00 % | – |" in page
    assert "98.92" not in page


def test_pictures_are_thumbnails_that_open() -> None:
    page = report_markdown({}, "title", Path("report.html"), noise(1))
    encoded = page.split("base64,")[1].split(")")[0]
    with PillowImage.open(io.BytesIO(base64.b64decode(encoded))) as picture:
        assert picture.size == (WIDTH_PX, round(WIDTH_PX * 320 / 480))


def test_unknown_figures_are_dashes() -> None:
    assert {line.ours for line in compare({"precision": float("nan")}, PAPER)} == {"–"}


def test_lines_that_tell_nothing_are_left_out():
    told = compare({"precision": 0.9, "full_frame_f1_2px": 0.5}, dict.fromkeys(PAPER))
    assert [line.figure for line in told] == ["precision of boxes", "F1 at 2 px"]


@pytest.mark.parametrize(("images", "told"), [(0, "–"), (2, "the bundle cannot say")])
def test_where_no_photograph_could_be_read_nothing_is_said_of_the_bundle(images: int, told: str) -> None:
    counts = {"photographs": 2, "images": images, "failures": 2 - images, "cracked": 0, "detections": 0}
    row = dict.fromkeys(SCHEMAS["runs"].names) | counts | {"total_s": 1.0, "peak_memory_mb": 1.0}
    assert dict(survey_lines(row, {}))["unlike what the bundle has learnt from"] == told


@pytest.mark.parametrize(
    "error", [httpx.ConnectError("gone"), OSError("a picture is gone"), ZeroDivisionError("a bug")]
)
def test_what_cannot_be_shown_costs_the_artifact_not_the_run(error: Exception) -> None:
    with without_server_errors():
        raise error
    with pytest.raises(KeyboardInterrupt), without_server_errors():
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("name", "level", "shown"),
    [
        (f"prefect.task_runs.{OURS}", logging.INFO, "a line\n"),
        ("prefect.task_runs", logging.INFO, ""),
        ("prefect.task_runs", logging.ERROR, ""),
        ("prefect.task_runs", logging.WARNING, "warning: a line\n"),
        ("prefect.server", logging.ERROR, "error: a line\n"),
        ("torch", logging.INFO, ""),
    ],
)
def test_lines_for_a_person(name: str, level: int, shown: str) -> None:
    with console.capture() as captured:
        Lines().emit(logging.LogRecord(name, level, __file__, 1, "a line", None, None))
    assert captured.get() == shown


def test_how_prefect_tells_its_server_is_not_told_on_the_terminal() -> None:
    code = (
        "import logging; from flows.runtime import configure, show_lines\n"
        "configure(); show_lines()\n"
        "logging.getLogger('prefect._internal.concurrency').error('Service failed to process item')\n"
        "logging.getLogger('torch').warning('a line')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stderr == "warning: a line\n"
