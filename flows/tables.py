"""Tables on standard output: a run beside the paper, and all runs so far."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from flows.comparison import compare, headings, show

# Column of the `runs` table, its heading, its unit. A terminal 100 columns wide holds them.
COLUMNS = (
    ("precision", "Pr", "%"),
    ("segmentation_error", "Es", "%"),
    ("data_reduction", "reduced", "%"),
    ("segmented_share", "looked at", "%"),
    ("strict_precision", "strict Pr", "%"),
    ("f1_2px", "F1 2 px", "%"),
    ("full_frame_f1_2px", "full frame", "%"),
    ("cascade_ms", "time", "ms"),
)


def print_json(value: Any) -> None:
    """Print one JSON object; numbers that are not finite become null."""
    print(json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False))


def print_comparison(metrics: Mapping[str, Any], paper: Mapping[str, Any], title: str) -> None:
    """Print a run's figures beside the paper's, where `paper` has any."""
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("figure")
    columns = headings(paper)
    for heading in columns:
        table.add_column(heading, justify="right")
    for figure, *values in compare(metrics, paper):
        table.add_row(figure, *values[: len(columns)])
    Console().print(table)


def print_runs(paper: Mapping[str, Any], runs: list[dict[str, Any]]) -> None:
    """Print past runs, oldest first, below the paper's figures."""
    table = Table()
    table.add_column("run", no_wrap=True)
    table.add_column("of")
    for _, heading, _ in COLUMNS:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_row("the paper", "CrackForest", *_cells(paper), end_section=True)
    for run in runs:
        what = " ".join(str(run[key]) for key in ("kind", "dataset", "split", "preset") if run.get(key))
        table.add_row(str(run["run_id"]), what.removeprefix("experiment "), *_cells(run))
    console = Console()
    if not console.is_terminal:
        console.width = 160
    console.print(table)
    if not runs:
        console.print("No run yet: `crack-survey run` makes one.")


CRACKS = (
    *(("crack_id", "crack"), ("kind", "kind"), ("length_px", "length px"), ("width_mean_px", "width px")),
    *(("width_uncertainty_px", "±"), ("orientation_deg", "direction °"), ("fragments", "pieces")),
    *(("length_m", "length m"), ("width_mean_mm", "width mm"), ("severity_astm", "ASTM"), ("severity_ltpp", "LTPP")),
)


def print_cracks(rows: list[dict[str, Any]]) -> None:
    """Print measured cracks, rows of `pipeline.measuring.rows`."""
    table = Table()
    table.add_column("mask", overflow="fold")
    for column, heading in CRACKS:
        table.add_column(heading, justify="left" if column == "kind" else "right", no_wrap=True)
    for row in rows:
        values = [row.get(column) for column, _ in CRACKS]
        told = [f"{value:.2f}" if isinstance(value, float) else "" if value is None else str(value) for value in values]
        table.add_row(str(row["name"]), *told)
    console = Console()
    if not console.is_terminal:
        console.width = 180
    console.print(table)


def print_info(found: Mapping[str, Any]) -> None:
    """Print what `pipeline.datasets.info.describe_root` found."""
    sizes = ", ".join(f"{size['width_px']}×{size['height_px']} px ({size['samples']})" for size in found["sizes"][:4])
    table = Table(show_header=False, box=None)
    rows = {
        "data set": found["title"],
        "folder": found["root"],
        "labelled pictures": f"{found['samples']}, of {found['groups']} scene{'s' * (found['groups'] != 1)}",
        "official test part": found["official_test"] or "none",
        "without crack": found["samples_without_crack"],
        "unlabelled, crack-free": found["negatives"],
        "sizes": sizes + (", …" if len(found["sizes"]) > 4 else ""),
        "crack pixels": show(found["crack_share"], "%"),
        "not judged": show(found["ignored_share"], "%"),
        "licence": found["licence"],
        "fingerprint": found["fingerprint"] or "unknown while pictures cannot be read",
    }
    for name, value in rows.items():
        table.add_row(name, str(value))
    Console().print(table)
    for problem in found["problems"]:
        print(f"Problem: {problem}")
    for note in found["notes"]:
        print(f"Note: {note}")


def _cells(run: Mapping[str, Any]) -> list[str]:
    return [show(run.get(column), unit) for column, _, unit in COLUMNS]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, str | int | float):
        return value
    return str(value)
