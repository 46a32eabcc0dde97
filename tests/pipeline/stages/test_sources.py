"""What a stage can reach, held against what Python really imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.stages import sources
from pipeline.stages.keys import MODULES
from pipeline.stages.sources import NOT_BEHAVIOUR, ROOT, code_digest, reachable

# One process that imports the libraries once, which takes most of the time, and forks a child for each module.
LOADED = """
import importlib, os, sys
import cv2, matplotlib.figure, numba, pandas, pyarrow.parquet, scipy.stats, segmentation_models_pytorch, skimage.measure
import timm, torch, torchvision
def ours():
    return [name for name in sys.modules if name.split(".")[0] in ("pipeline", "models")]
assert not ours(), ours()
for module in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        try:
            importlib.import_module(module)
            print(module, *ours(), flush=True)
        except BaseException as error:
            print(module, repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status:
        sys.exit(status)
"""
STAGES = sorted(set(MODULES.values()))


@pytest.fixture(scope="module")
def loaded() -> dict[str, set[str]]:
    """What Python loads of this program for each stage that is imported alone."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *STAGES], cwd=ROOT, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    return {words[0]: set(words[1:]) for words in map(str.split, done.stdout.splitlines())}


@pytest.mark.parametrize("module", STAGES)
def test_all_that_a_stage_loads_is_reached(module: str, loaded: dict[str, set[str]]) -> None:
    assert module in loaded[module]
    assert loaded[module] - NOT_BEHAVIOUR <= reachable(module)


def test_what_is_imported_inside_a_function_counts() -> None:
    assert "pipeline.datasets.generated.sample" in reachable("pipeline.stages.prepare")


def test_what_a_stage_cannot_reach_does_not_count() -> None:
    assert "pipeline.reporting.run_page" not in reachable("pipeline.stages.prepare")
    assert "pipeline.survey.plan" not in reachable("pipeline.stages.evaluate")


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("X = 1", True),
        ("# a word\nX = 1", True),
        ('"""Another word."""\nX = 1', True),
        ("X = 2", False),
        ("X = 1\nimport pipeline.far", False),
    ],
)
def test_words_about_code_do_not_count_and_code_does(
    text: str, same: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pipeline").mkdir()
    for name in ("__init__", "near", "far"):
        (tmp_path / "pipeline" / f"{name}.py").write_text("Y = 1")
    monkeypatch.setattr(sources, "ROOT", tmp_path)

    def digest(code: str) -> str:
        (tmp_path / "pipeline" / "near.py").write_text(code)
        for kept in (sources.code_digest, sources.reachable, sources._imports, sources._digest_of):
            kept.cache_clear()
        return code_digest("pipeline.near")

    before = digest("X = 1")
    assert (digest(text) == before) is same
    for kept in (sources.code_digest, sources.reachable, sources._imports, sources._digest_of):
        kept.cache_clear()
