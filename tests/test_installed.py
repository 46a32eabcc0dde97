"""What a wheel holds is enough: every preset finds what it starts from, away from a checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HANGS_S = 600
PRESETS = """
import sys, pipeline
from models.bundle import load_bundle
from models.shipped import shipped_bundle
from pipeline.settings import PRESETS, make_settings
assert pipeline.__file__.startswith(sys.prefix), pipeline.__file__
for name in PRESETS:
    settings = make_settings(name)
    for training in (settings.detector_training, settings.second_training, settings.segmenter_training):
        if training.start is not None:
            load_bundle(training.start)
load_bundle(shipped_bundle("crackforest-fast"))
"""


def done(*command: object, cwd: Path, **environment: str) -> str:
    """Standard output of a command that has to succeed."""
    finished = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | environment,
        capture_output=True,
        text=True,
        timeout=HANGS_S,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of an environment with the wheel in it, and the packages of this one."""
    folder = tmp_path_factory.mktemp("installed")
    source = folder / "source"
    left_out = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in ("flows", "pipeline", "models", "data/bundles"):
        shutil.copytree(ROOT / name, source / name, ignore=left_out)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"
    pytest.importorskip("setuptools", reason="what builds a wheel is not installed")
    wheel = folder / done(sys.executable, "-c", build, folder, cwd=source).split()[-1]
    done(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    python = folder / "venv" / "bin" / "python"
    target = ["--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel]
    done(sys.executable, "-m", "pip", *target, cwd=folder, PIP_DISABLE_PIP_VERSION_CHECK="1")
    site = next((folder / "venv" / "lib").glob("python*/site-packages"))
    (site / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def test_every_preset_finds_what_it_starts_from(installed: Path, tmp_path: Path) -> None:
    done(installed, "-c", PRESETS, cwd=tmp_path)


def test_the_command_answers(installed: Path, tmp_path: Path) -> None:
    assert '"runs": []' in done(installed.parent / "crack-survey", "runs", "--json", cwd=tmp_path)
