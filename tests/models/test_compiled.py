"""Compiled loops where nothing can be written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from models.compiled import _state, private_folder

ROOT = Path(__file__).parents[2]
USE = "from models.suppression import _suppress; print(getattr(_suppress.stats, 'cache_path', None) or '')"


def run_in(installation: Path, temporary: Path) -> str:
    """Import a compiled loop from an installation whose caches, and whose user's home, cannot be written."""
    nowhere = "/proc/nowhere"
    environment = {"PATH": os.environ["PATH"], "HOME": nowhere, "XDG_CACHE_HOME": nowhere, "TMPDIR": str(temporary)}
    done = subprocess.run(
        [sys.executable, "-c", USE],
        cwd=installation,
        env=environment | {"PYTHONPATH": str(installation)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def installation(tmp_path: Path) -> Path:
    """A copy whose ``__pycache__`` is in the way: that keeps even an administrator from writing there."""
    shutil.copytree(ROOT / "models", tmp_path / "code" / "models", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "code" / "models" / "__pycache__").touch()
    return tmp_path / "code"


def test_a_read_only_installation_without_a_home_keeps_its_loops_among_temporary_files(
    installation: Path, tmp_path: Path
) -> None:
    (tmp_path / "temporary").mkdir()
    kept = Path(run_in(installation, tmp_path / "temporary"))
    assert kept.is_relative_to(tmp_path / "temporary" / f"crack-survey-{os.getuid()}" / "numba")


def test_without_a_folder_of_ones_own_nothing_is_kept(installation: Path, tmp_path: Path) -> None:
    (tmp_path / "temporary" / f"crack-survey-{os.getuid()}").mkdir(parents=True)
    (tmp_path / "temporary" / f"crack-survey-{os.getuid()}").chmod(0o777)
    assert run_in(installation, tmp_path / "temporary") == ""


def test_a_folder_that_others_may_change_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    own = private_folder("numba")
    assert own is not None
    assert own.is_dir()
    own.parent.chmod(0o777)
    assert private_folder("numba") is None
    own.rmdir()
    own.parent.rmdir()
    own.parent.symlink_to(tmp_path)
    assert private_folder("numba") is None


def test_a_loop_is_compiled_again_when_one_that_it_calls_has_changed(tmp_path: Path) -> None:
    """As after an update of the program: numba by itself would go on with what it had compiled in."""
    (tmp_path / "loops").mkdir()
    (tmp_path / "loops" / "__init__.py").touch()
    head = "from models.compiled import compiled\n"
    outer = (
        "from loops.inner import LEAST, inner\n@compiled()\ndef outer(x: int) -> int:\n    return inner(x) + LEAST\n"
    )
    (tmp_path / "loops" / "outer.py").write_text(head + outer)
    told = []
    for step in (1, 2, 1):
        inner = f"LEAST = {10 * step}\n@compiled()\ndef inner(x: int) -> int:\n    return x + {step}\n"
        (tmp_path / "loops" / "inner.py").write_text(head + inner)
        run = [sys.executable, "-c", "from loops.outer import outer; print(outer(0))"]
        environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
        done = subprocess.run(run, env=environment, capture_output=True, text=True, timeout=600, check=True)
        told.append(int(done.stdout))
    assert told == [11, 22, 11]


def test_of_earlier_states_the_youngest_are_kept_and_of_the_others_their_folders_alone(tmp_path: Path) -> None:
    """Their folders stay: a process that still runs such code fails to write where its folder is gone."""
    loops = tmp_path / "loops"
    for age, name in enumerate([*(f"numba-{digit * 16}" for digit in "abcdef"), "numba-mine", "other"]):
        for file in ("a.nbi", "a.1.nbc", "notes.txt"):
            path = loops / "__pycache__" / name / "loops_1" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        os.utime(loops / "__pycache__" / name, (1e9 - age, 1e9 - age))
    module = "from models.compiled import compiled\n@compiled()\ndef one() -> int:\n    return 1\n"
    for name, text in (("__init__.py", ""), ("one.py", module)):
        (loops / name).write_text(text)
    run = [sys.executable, "-c", "from loops.one import one; one()"]
    subprocess.run(run, env=os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}"}, timeout=600, check=True)
    left = {folder.name: len(list(folder.glob("loops_1/*.nb?"))) for folder in (loops / "__pycache__").iterdir()}
    del left[f"numba-{_state(loops)}"]
    emptied = {f"numba-{digit * 16}" for digit in "def"}
    assert {name for name, count in left.items() if count == 0 and name.startswith("numba-")} == emptied
    assert all((loops / "__pycache__" / name / "loops_1" / "notes.txt").exists() for name in emptied)


def test_what_an_editor_leaves_among_modules_is_none(tmp_path: Path) -> None:
    """Emacs marks a file that is being changed by a link that leads nowhere."""
    (tmp_path / "loops.py").touch()
    alone = _state(tmp_path)
    (tmp_path / ".#loops.py").symlink_to("somebody@somewhere.1234")
    _state.cache_clear()
    assert _state(tmp_path) == alone
