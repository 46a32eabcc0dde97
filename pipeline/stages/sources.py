"""Which code a stage can reach: its own module and all that is imported from there, within this program."""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("pipeline", "models")
# Presets, and where they find a bundle to start from, fill settings in; those are keyed by their values.
NOT_BEHAVIOUR = {"pipeline.presets", "models.shipped"}


@cache
def code_digest(module: str) -> str:
    """SHA-256 (hex) over all code that `module` can reach, comments and docstrings left out."""
    digest = hashlib.sha256()
    for name in sorted(reachable(module)):
        digest.update(f"{name}:{_digest_of(name)};".encode())
    return digest.hexdigest()


@cache
def reachable(module: str) -> frozenset[str]:
    """Dotted names of the modules that `module` imports, directly or not, anywhere in their text; itself included."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in found or name in NOT_BEHAVIOUR:
            continue
        found.add(name)
        waiting += _imports(name)
    return frozenset(found)


@cache
def _imports(module: str) -> tuple[str, ...]:
    """Modules of this program that one module names in its imports, with the packages that they lie in."""
    named: set[str] = set()
    for node in ast.walk(ast.parse(_path_of(module).read_bytes())):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            named |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    known = {name for name in named if name.split(".")[0] in PACKAGES and _exists(name)}
    parents = {".".join(name.split(".")[:depth]) for name in known for depth in range(1, name.count(".") + 1)}
    return tuple(sorted(known | parents))


def _path_of(module: str) -> Path:
    base = ROOT.joinpath(*module.split("."))
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")


def _exists(module: str) -> bool:
    return _path_of(module).is_file()


@cache
def _digest_of(module: str) -> str:
    tree = _Undocumented().visit(ast.parse(_path_of(module).read_bytes()))
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


class _Undocumented(ast.NodeTransformer):
    """Drops every bare text, that is, docstrings: what is said of code does not change what it does."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        return None if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str) else node
