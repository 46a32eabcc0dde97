"""With what software a result was made."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

from pipeline.stages.sources import ROOT

TOLD_VERSIONS = ("crack-survey", "torch", "torchvision", "segmentation-models-pytorch", "timm", "prefect", "numpy")


def describe_software() -> tuple[str | None, dict[str, str]]:
    """Commit of the checkout (None outside one; ``+`` for uncommitted changes) and versions of what shapes results."""
    versions = {"python": platform.python_version()}
    for name in TOLD_VERSIONS:
        with suppress(PackageNotFoundError):  # a machine that only trains may have no Prefect
            versions[name] = version(name)
    git: Callable[..., str] = lambda *words: subprocess.run(  # noqa: E731
        ["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=True
    ).stdout.strip()
    try:
        return git("rev-parse", "HEAD") + (
            "+" if git("status", "--porcelain", "--untracked-files=no") else ""
        ), versions
    except (OSError, subprocess.CalledProcessError):
        return None, versions
