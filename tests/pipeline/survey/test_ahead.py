"""In order, bounded in memory and in time, whatever one item does."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from pipeline.storage.records import read_table
from pipeline.survey import process
from pipeline.survey.ahead import _send_home, work_ahead
from pipeline.survey.settings import SurveySettings
from tests.pipeline.survey.one_process import run_survey


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_one_that_never_ends_holds_up_nothing(threads: int) -> None:
    for_ever = threading.Event()

    def work(item: int) -> int:
        if item in (0, 3, 4, 9):
            for_ever.wait()
        return item

    found = list(work_ahead(range(10), work, lambda item: -item - 1, 0.2, threads=threads, ahead=3))
    assert found == [-1, 1, 2, -4, -5, 5, 6, 7, 8, -10]
    for_ever.set()


def test_errors_come_in_their_turn() -> None:
    def work(item: int) -> int:
        if item == 2:
            raise ValueError("no")
        return item

    results = work_ahead(range(5), work, lambda _: -1, 60)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="no"):
        next(results)


def test_what_a_thread_takes_at_the_very_end_is_not_waited_for() -> None:
    class Snatched(SimpleQueue[Any]):
        def empty(self) -> bool:
            there = not super().empty()
            if there:
                self.get()  # by a thread, between a look and the next step
            return not there

    line = Snatched()
    line.put(None)
    closing = threading.Thread(target=_send_home, args=(line, [], 0), daemon=True)
    closing.start()
    closing.join(10)
    assert not closing.is_alive()


def test_few_wait_and_fewer_where_they_are_large() -> None:
    begun: list[int] = []

    def work(item: int) -> int:
        begun.append(item)
        return item

    for large, most in ((False, 7), (True, 3)):
        begun.clear()
        results = work_ahead(range(100), work, lambda _: -1, 60, is_large=lambda _, large=large: large, ahead=4)
        assert next(results) == 0
        time.sleep(0.2)
        assert 0 < len(begun) <= most
        assert list(results) == list(range(1, 100))


def test_nothing_goes_on_after_it_is_closed() -> None:
    begun: list[int] = []

    def items() -> Iterator[int]:
        yield from range(1000)

    results = work_ahead(items(), begun.append, lambda _: None, 60)
    next(results)
    results.close()  # type: ignore[attr-defined]
    time.sleep(0.1)
    assert len(begun) < 10


def test_a_photograph_that_takes_too_long_is_told(
    tmp_path: Path, bundle: Path, photographs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode, stuck = process.decode, threading.Event()
    slow = (photographs / "p003.jpg").read_bytes()

    def crawl(content: bytes, max_pixels: int) -> object:
        if content == slow:
            stuck.wait()
        return decode(content, max_pixels)

    monkeypatch.setattr(process, "decode", crawl)
    monkeypatch.setattr(process, "LOCAL_LIMIT_S", 2.0)
    row = run_survey(SurveySettings(photos=str(photographs), bundle=bundle, out=tmp_path / "out", device="cpu"))
    assert row is not None
    assert (row["images"], row["failures"]) == (11, 1)
    failed = read_table("failures", tmp_path / "out").iloc[0]
    assert (failed["name"], failed["stage"], failed["kind"]) == ("p003.jpg", "decode", "too slow")
    stuck.set()


def test_sigterm_ends_a_process_whose_reader_is_stuck(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    code = (
        "import signal, sys\nfrom pathlib import Path\nfrom pipeline.survey.ahead import work_ahead\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as Prefect has it: no death, an exception\n"
        "print('begun', flush=True)\n"
        "list(work_ahead([sys.argv[1]], lambda path: Path(path).read_bytes(), lambda _: b'', 1000))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "pipe")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "begun\n"
        time.sleep(0.5)
        reader.terminate()
        assert reader.wait(600) == 143
