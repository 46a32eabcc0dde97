"""``crack-survey bench``: how fast a bundle is, and against what."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table

from flows.cli_data import AsJson, MaskValues
from flows.tables import print_json

if TYPE_CHECKING:  # the command starts without them
    from pipeline.datasets.base import CrackDataset, Sample


def bench(
    bundle: Annotated[
        Path | None, typer.Option(help="Folder of the trained cascade; default: crackforest-fast, which ships.")
    ] = None,
    dataset: Annotated[str, typer.Option(help="sample, crackforest, deepcrack, dnit or folder.")] = "sample",
    root: Annotated[Path | None, typer.Option(help="Folder of the data set; none for the generated sample.")] = None,
    mask_values: MaskValues = None,
    split: Annotated[str, typer.Option(help="Part to measure on, such as paper-test or all.")] = "paper-test",
    pictures: Annotated[
        int,
        typer.Option(min=1, help="Pictures at most, spread over the part; only those of the commonest size are kept."),
    ] = 32,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of cascade against full frame.")] = 50,
    rival: Annotated[
        list[Path] | None,
        typer.Option(
            help="Another trained cascade; may be given several times. Only F1 and time of all are measured then.",
            show_default=False,
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(help="Draw F1 over time of the bundle and its rivals: .svg, .png or .pdf.", show_default=False),
    ] = None,
    device: Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="auto: a GPU where there is one.")] = "auto",
    as_json: AsJson = False,
) -> None:
    """Time the cascade against its own U-Net on the full frame, and against what a user would pick instead.

    Both sides run in one process, round by round in turn, from JPEG to mask: read the ratios, not the milliseconds.
    Takes some minutes on an otherwise idle machine.
    """
    from models.shipped import shipped_bundle
    from pipeline.bench.measure import bench as measure
    from pipeline.bench.rounds import side_by_side
    from pipeline.bench.scatter import SUFFIXES, plot_speed
    from pipeline.datasets import open_dataset
    from pipeline.datasets.splits import select
    from pipeline.settings import make_settings
    from pipeline.storage.room import check_file
    from pipeline.training.loop import device_name, pick_device

    if plot:
        check_file(plot, SUFFIXES, "--plot")
    bundle = bundle or shipped_bundle("crackforest-fast")
    settings = make_settings("fast", {"dataset": {"name": dataset, "root": root, "mask_values": mask_values}})
    opened = open_dataset(settings.dataset)
    names = select(opened, split, settings.dataset.split_seed)
    samples = _of_one_size(opened, evenly(names, pictures))

    def told(_done: int, _total: int, line: str) -> None:
        if line:
            typer.echo(line, err=True)

    chosen = pick_device(device)
    about = {"dataset": opened.key, "split": split, "device": device_name(chosen)}
    if rival or plot:
        rows = side_by_side([bundle, *(rival or [])], samples, rounds, told, chosen)
        if plot:
            plot_speed(rows, plot)
        if as_json:
            print_json(about | {"pictures": len(samples), "bundles": rows})
        else:
            _print_bundles(rows, f"{len(samples)} pictures of {opened.key} {split}, {about['device']}")
        return
    measured = about | measure(bundle, samples, rounds, told, chosen)
    if as_json:
        print_json(measured)
    else:
        _print(measured)


def _of_one_size(dataset: CrackDataset, names: Sequence[str]) -> list[Sample]:
    """The named samples of the commonest size; how their masks were read is told."""
    samples = [dataset.load(name) for name in names]
    for note in dataset.notes:
        typer.echo(note, err=True)
    ((shape, _),) = Counter(sample.mask.shape for sample in samples).most_common(1)
    return [sample for sample in samples if sample.mask.shape == shape]


def evenly(names: Sequence[str], count: int) -> list[str]:
    """At most `count` of the names, the first among them, as far apart as they come."""
    return [names[index * len(names) // count] for index in range(count)] if count < len(names) else list(names)


def _print(measured: dict[str, Any]) -> None:
    table = Table(
        title=f"{measured['bundle']} on {measured['pictures']} pictures of {measured['dataset']} {measured['split']}, "
        f"{measured['runtime']} {measured['precision']}, {measured['device']}, {measured['machine']['cores']} cores",
        title_justify="left",
        title_style="bold",
    )
    table.add_column("figure")
    table.add_column("value", justify="right")
    adds = measured["multiply_adds"]
    for figure, value in (
        (
            "faster than its own U-Net on the full frame",
            f"{measured['speedup_vs_own_full_frame']:.2f} × ({measured['speedup_vs_own_full_frame_low']:.2f}–"
            f"{measured['speedup_vs_own_full_frame_high']:.2f})",
        ),
        ("F1 at 2 px given up by that", _known(measured["delta_f1_2px"], "+.4f")),
        ("F1 at 2 px, mean over pictures", _known(measured["f1_2px_mean"], ".4f")),
        ("cascade, ms a picture in a batch", f"{measured['cascade_ms']:.1f}"),
        ("full frame, ms a picture in a batch", f"{measured['full_frame_ms']:.1f}"),
        ("faster than an eager U-Net with ResNet-34", f"{measured['speedup_vs_unet_resnet34']:.1f} ×"),
        ("detector faster than torchvision's RetinaNet", f"{measured['detector_speedup_vs_torchvision']:.0f} ×"),
        ("throughput against forward passes alone", f"{measured['overlap_efficiency']:.1%}"),
        ("peak memory, 1,000 pictures against 100", f"{measured['peak_rss_ratio']:.2f} ×"),
        ("multiply-adds, full frame against cascade", f"{adds['ratio']:.2f} × ({adds['cascade'] / 1e9:.2f} G)"),
        *((f"time for: {stage}, ms", f"{spent:.2f}") for stage, spent in measured["stages_ms"].items()),
        *(
            (
                f"{row['width_px']}×{row['height_px']}: cascade, full frame, ms",
                f"{row['cascade_ms']:.1f}, {row['full_frame_ms']:.1f} ({row['speedup']:.2f} ×)",
            )
            for row in measured["by_size"]
        ),
        *((f"{row['pictures']} pictures, ms each", f"{row['cascade_ms']:.1f}") for row in measured["by_count"]),
        *(_of_gpu(measured["gpu"]) if "gpu" in measured else ()),
    ):
        table.add_row(figure, value)
    Console(markup=False).print(table)


def _known(value: float, form: str) -> str:
    """The value in that form; a dash where it is none."""
    return "–" if math.isnan(value) else f"{value:{form}}"


def _of_gpu(gpu: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield gpu["name"], f"{gpu['matrix_tflops']:.0f} Tflop/s, {gpu['copy_tb_s']:.2f} TB/s"
    for row in gpu["forward"]:
        used = f"{row['pictures_per_s']:,.0f} a second ({row['matrix_share']:.1%} of the matrix rate)"
        yield f"{row['network']} over whole pictures, {row['batch']} at once", used
    for row in gpu["cascade"]:
        yield f"cascade, one caller, {row['batch']} at once", f"{row['pictures_per_s']:,.0f} a second"
    yield "share of the cascade's time in which the GPU computes", f"{gpu['busy']:.0%}"
    for row in gpu["kernels"]:
        yield f"  {row['kernel'][:60]}", f"{row['share']:.1%}"


def _print_bundles(rows: Sequence[dict[str, Any]], title: str) -> None:
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("U-Net")
    table.add_column("bundle", overflow="fold")
    for column in ("cascade, ms", "F1 at 2 px", "full frame, ms", "F1 at 2 px", "faster"):
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(
            row["name"],
            row["bundle"],
            f"{row['cascade_ms']:.1f}",
            _known(row["f1_2px_mean"], ".1%"),
            f"{row['full_frame_ms']:.1f}",
            _known(row["full_frame_f1_2px_mean"], ".1%"),
            f"{row['full_frame_ms'] / row['cascade_ms']:.2f} ×",
        )
    Console(markup=False).print(table)
