"""Schedule files for tests."""

from __future__ import annotations

from pathlib import Path

SURVEY = "  - {flow: survey, name: A7, parameters: {settings: {photos: p, bundle: b}}"


def write(folder: Path, text: str) -> Path:
    path = folder / "schedules.yaml"
    path.write_text(text)
    return path


def entry(folder: Path, more: str) -> Path:
    """A file with one survey, and more keys."""
    return write(folder, f"deployments:\n{SURVEY}{', ' if more else ''}{more}}}\n")
