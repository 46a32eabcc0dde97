"""Fixtures for every test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import torch

# How long an example takes says how busy the machine is, nothing about the code.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

# Tests use tiny networks; more threads only fight over the cores of a small CI machine.
torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that a test gives PyTorch end with it: on busy cores, later tests took up to ten times as long."""
    yield
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def datasets_root() -> Path:
    """Folder of the real data sets; the test is skipped where there is none."""
    default = Path(__file__).parents[2] / "shared" / "datasets"
    root = Path(os.environ.get("CRACK_SURVEY_DATASETS", default))
    if not root.is_dir():
        pytest.skip(f"no real data sets at {root}; set CRACK_SURVEY_DATASETS to their folder")
    return root
