"""What importing does: without Prefect all but flows/ can be imported, and no import downloads or writes anything."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from pipeline.survey.road_check import PACKAGES
from tests.test_architecture import BELOW_FLOWS, ROOT, module_name, source_files

# Run in a process of its own: this one may have imported Prefect already. What comes after a line "with-prefect" is
# imported in the same process, once Prefect can be, so that the libraries are loaded once.
IMPORT_ALL = """
import importlib, socket, sys, urllib.request

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "prefect":
            raise ModuleNotFoundError(f"No module named {name!r} (made unimportable by a test)", name=name)

def refuse(*args, **kwargs):
    raise AssertionError(f"a network connection at import: {args}")

socket.socket.connect = socket.socket.connect_ex = refuse
socket.create_connection = socket.getaddrinfo = urllib.request.urlopen = refuse
sys.meta_path.insert(0, Blocker())
try:
    import prefect
except ModuleNotFoundError:
    pass
else:
    sys.exit("the blocker does not block")
for name in sys.stdin.read().split():
    if name == "with-prefect":
        print("all imported without Prefect", flush=True)
        del sys.meta_path[0]
    else:
        importlib.import_module(name)
print("all imported")
"""


def import_all(names: list[str], home: Path) -> subprocess.CompletedProcess[str]:
    # Empty caches and an empty home: a download cannot hide behind a file that is there already.
    environment = os.environ | {
        "CRACK_SURVEY_HOME": str(home / "crack-survey"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "TORCH_HOME": str(home / "torch"),
        "HF_HOME": str(home / "huggingface"),
        "PREFECT_HOME": str(home / "prefect"),
    }
    return subprocess.run(
        [sys.executable, "-c", IMPORT_ALL],
        input="\n".join(names),
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


class Imported(NamedTuple):
    """All modules imported: those below flows/ without Prefect, then the others. And the home that they might fill."""

    done: subprocess.CompletedProcess[str]
    home: Path


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Imported:
    home = tmp_path_factory.mktemp("home")
    below, above = ([module_name(path) for path in source_files(*packages)] for packages in (BELOW_FLOWS, ("flows",)))
    assert below, "no modules found"
    assert above, "no modules found"
    return Imported(import_all([*below, "with-prefect", *above], home), home)


def test_pipeline_and_models_import_without_prefect(imported: Imported) -> None:
    assert "all imported without Prefect\n" in imported.done.stdout, imported.done.stderr


def test_nothing_downloads_or_writes_at_import(imported: Imported) -> None:
    assert imported.done.returncode == 0, imported.done.stderr
    assert imported.done.stdout.endswith("all imported\n")
    home = imported.home
    assert not (home / "crack-survey").exists(), "importing must not write a run's files"
    weights = [path for path in home.rglob("*") if path.suffix in {".pth", ".pt", ".safetensors", ".bin", ".zip"}]
    assert not weights


def test_a_survey_and_measure_need_no_extra_for_places() -> None:
    """Without the extra `geo` cracks are found and measured all the same; they are put in no place."""
    without = f"import sys; sys.modules.update(dict.fromkeys({PACKAGES}))"
    needed = ("flows.survey", "flows.cli_measure", "pipeline.survey.road", "pipeline.placing.drawn_masks")
    code = f"{without}; import {', '.join(needed)}"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_blocker_blocks(tmp_path: Path) -> None:
    done = import_all(["prefect.flows"], tmp_path)
    assert done.returncode != 0
    assert "made unimportable by a test" in done.stderr
