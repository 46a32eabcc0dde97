"""A run that was killed in mid-training goes on where it was, in a process of its own each time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pipeline.storage.records import read_table

EPOCHS = 40


def start(home: Path, root: Path, api: str) -> subprocess.Popen[str]:
    settings = {"detector_training.epochs": EPOCHS, "segmenter_training.epochs": 1}
    changes = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    command = ["run", "--preset", "smoke", "--dataset", "folder", "--root", str(root), "--device", "cpu", *changes]
    return subprocess.Popen(
        [sys.executable, "-c", "from flows.cli import main; main()", *command],
        env=os.environ | {"CRACK_SURVEY_HOME": str(home), "PREFECT_API_URL": api, "OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # a shell's & would ignore it
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def read_until(process: subprocess.Popen[str], wanted: str, seconds: float = 120) -> list[str]:
    """Lines of standard error up to the one that holds `wanted`."""
    alarm = threading.Timer(seconds, process.kill)
    alarm.start()
    lines = []
    assert process.stderr is not None
    for line in process.stderr:
        lines.append(line)
        if wanted in line:
            alarm.cancel()
            return lines
    raise AssertionError(f"{wanted!r} was never said:\n{''.join(lines)}")


@pytest.mark.slow
def test_a_killed_training_goes_on_from_its_last_snapshot(prefect_api: str, tiny_root: Path, home: Path) -> None:
    first = start(home, tiny_root, prefect_api)
    try:
        read_until(first, f"epoch 3/{EPOCHS}")
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
    done = len(list(home.glob("stages/train-detector/*/epoch-*.safetensors")))
    assert 3 <= done < EPOCHS
    second = start(home, tiny_root, prefect_api)
    try:
        lines = read_until(second, f"epoch {done + 1}/{EPOCHS}")
        assert any(f"going on after epoch {done}" in line for line in lines)
        assert not any(f"epoch {done}/{EPOCHS}" in line for line in lines), "no epoch is trained twice"
        second.send_signal(signal.SIGINT)
        told = "".join(second.stderr or [])
        assert "Run the same command again" in told
        assert "Traceback" not in told
        assert second.wait() == 130
    finally:
        second.kill()
        second.wait()
    assert read_table("runs", home).empty, "what was not finished is not recorded"
