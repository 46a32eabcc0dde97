"""What the design promises of the house: imports point one way, Prefect stays in flows/, files stay small."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# A package may import itself and what stands to its right.
LAYERS = ("flows", "pipeline", "models")
BELOW_FLOWS = ("pipeline", "models")
MOST_LINES = 250
MOST_LINES_OF_A_FUNCTION = 40  # below its docstring
# Rooms of pipeline/ from the bottom up: each may use those before it. The first five are files.
ROOMS = (
    *(
        "arrays",
        "presets",
        "mask_values",
        "dataset_settings",
        "settings",
        "storage",
        "metrics",
        "datasets",
        "cascade",
        "measuring",
        "placing",
    ),
    *("reporting", "training", "stages", "survey", "labels", "bench"),
)


def source_files(*packages: str) -> list[Path]:
    """Every Python file of these packages, sorted."""
    return sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_modules(source: str, package: str) -> set[str]:
    """Absolute names that `source` imports anywhere, functions and type-checking blocks included.

    Args:
        source: text of a module.
        package: dotted name of the package that the module lies in, which relative imports start from.
    """
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(node.module or "")
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1]
            found.add(".".join([*base, *([node.module] if node.module else [])]))
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = ast.unparse(node.func)
            if called in {"__import__", "import_module", "importlib.import_module"}:
                found.add(str(node.args[0].value))
    return found


def forbidden_imports(source: str, package: str) -> set[str]:
    """The imports of `source` that point up, or that bring Prefect below flows/."""
    layer = package.split(".")[0]
    above = set(LAYERS[: LAYERS.index(layer)]) | {"tests"}
    if layer in BELOW_FLOWS:
        above.add("prefect")
    return {name for name in imported_modules(source, package) if name.split(".")[0] in above}


@pytest.mark.parametrize("path", source_files(*LAYERS), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    package = ".".join(path.relative_to(ROOT).parent.parts)
    assert not forbidden_imports(path.read_text(encoding="utf-8"), package), "imports go flows → pipeline → models"


@pytest.mark.parametrize(
    ("source", "package", "found"),
    [
        ("import prefect", "pipeline", {"prefect"}),
        ("import prefect", "flows", set()),
        ("def f():\n    from flows.cli import main", "models", {"flows.cli"}),
        ("from pipeline.datasets.boxes import mask_to_boxes", "models", {"pipeline.datasets.boxes"}),
        ("from pipeline.datasets.boxes import mask_to_boxes", "flows", set()),
        ("from ..flows import cli", "pipeline", {"flows"}),
        ("from .. import settings", "pipeline.datasets", set()),
        ("import importlib\nimportlib.import_module('flows.cli')", "pipeline", {"flows.cli"}),
        ("import tests.conftest", "flows", {"tests.conftest"}),
        ("import flowsomething", "models", set()),
    ],
)
def test_the_import_check_itself(source: str, package: str, found: set[str]) -> None:
    assert forbidden_imports(source, package) == found


def test_files_stay_small() -> None:
    lines = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in source_files(*LAYERS, "tests")
    }
    too_long = {name for name, count in lines.items() if count > MOST_LINES}
    assert not too_long, f"no file over {MOST_LINES} lines: split it by idea"


def test_functions_fit_a_screen() -> None:
    too_long = []
    for path in source_files(*LAYERS):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = node.body[1 if ast.get_docstring(node) and len(node.body) > 1 else 0]
                if (node.end_lineno or 0) - first.lineno + 1 > MOST_LINES_OF_A_FUNCTION:
                    too_long.append(f"{path.relative_to(ROOT)}: {node.name}")
    assert not too_long, f"no function over {MOST_LINES_OF_A_FUNCTION} lines: make its steps functions with names"


def room_of(module: str) -> str | None:
    """The room of pipeline/ that a module lies in."""
    parts = module.split(".")
    return parts[1] if parts[0] == "pipeline" and len(parts) > 1 else None


def test_rooms_use_those_below_them() -> None:
    upwards = []
    for path in source_files("pipeline"):
        room = room_of(module_name(path))
        package = ".".join(path.relative_to(ROOT).parent.parts)
        used = {room_of(name) for name in imported_modules(path.read_text(encoding="utf-8"), package)} - {None, room}
        if room is not None:
            upwards += [(module_name(path), other) for other in used if ROOMS.index(str(other)) > ROOMS.index(room)]
    assert not upwards, f"from the bottom up: {', '.join(ROOMS)}"


def test_no_drawers_for_leftovers() -> None:
    drawers = {"utils", "util", "helpers", "common", "misc"}
    assert not [path for path in source_files(*LAYERS, "tests") if path.stem in drawers]


def test_every_file_beside_the_code_is_installed_with_it() -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    left_out = [
        str(path.relative_to(ROOT))
        for layer in LAYERS
        for path in (ROOT / layer).rglob("*")
        if path.is_file()
        and path.suffix != ".py"
        and "__pycache__" not in path.parts
        and not any(
            path.match(pattern)
            for pattern in setuptools["package-data"].get(".".join(path.parent.relative_to(ROOT).parts), [])
        )
    ]
    assert not left_out, "name them in [tool.setuptools.package-data] of pyproject.toml"


def test_every_folder_of_code_is_a_package() -> None:
    assert not [path for path in source_files(*LAYERS) if not (path.parent / "__init__.py").exists()]


def test_constraints_are_versions_only() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert lines
    assert not [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.!+]*", line)]
