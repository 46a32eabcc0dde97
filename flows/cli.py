"""The command `crack-survey`. What a command needs is imported when it runs, so that ``--help`` answers at once."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows import runtime
from flows.cli_bench import bench
from flows.cli_camera import camera
from flows.cli_data import AsJson, MaskValues, data
from flows.cli_measure import measure
from flows.mistakes import Commands
from models.errors import UsageError

if TYPE_CHECKING:
    from pipeline.settings import RunSettings

OPTIONS: dict[int | str, str] = {"gsd_mm_per_px": "gsd"}
"""Options that are not called like their setting."""

app = typer.Typer(
    cls=Commands,
    name="crack-survey",
    help="Finds cracks in photographs of road and pavement: a RetinaNet says where to look, a U-Net draws them.\n\n"
    "Runs and records go to the folder CRACK_SURVEY_HOME (default: data/). "
    "Exit status: 0 done, 1 failed, 2 wrong usage, 3 done while Prefect's server was away.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(data, name="data")
app.add_typer(camera, name="camera")
app.command()(bench)
app.command()(measure)

Dataset = Annotated[
    str, typer.Option(help="sample, crackforest, deepcrack, dnit, folder; run also takes pool.", show_default=True)
]
Root = Annotated[Path | None, typer.Option(help="Folder of the data set; the generated sample has none.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]


@app.command()
def run(
    preset: Annotated[
        str | None,
        typer.Option(
            help="fast: light networks (default for photographs). sample: the same, briefly (the sample's default). "
            "finetune: a lighter detector, from the bundle roads, which knows many. brief: the same in two minutes. "
            "accurate: two detectors from there, looking twice, stage 2 four times. paper: Carr et al. 2018. "
            "smoke: a minute, no use."
        ),
    ] = None,
    dataset: Dataset = "sample",
    root: Root = None,
    mask_values: MaskValues = None,
    split: Annotated[str, typer.Option(help="paper, fold0 … fold4, or folds for all five and their pool.")] = "paper",
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="A.B=C", help="Change one setting; may be given again. C is read as JSON."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of the weights and of the batches.")] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Train both networks, measure them on the test part, and record the run.

    With no option at all: a short training on the generated sample, which needs no data and no server.
    What an earlier run has done and nothing has changed since is used again; a run that was killed goes on from
    its last snapshot.

    For example:

        crack-survey run

        crack-survey run --dataset crackforest --root data/datasets/crackforest

        crack-survey run --preset paper --dataset deepcrack --root DeepCrack --device cuda

        crack-survey run --set detector_training.epochs=30 --set 'segmenter.encoder="resnet34"'
    """
    settings = _settings(preset, dataset, root, mask_values, split, setting or [], seed, device)
    _start_prefect()
    from flows.experiment import experiment
    from flows.showing import NotShown, run_shown
    from flows.tables import print_comparison, print_json
    from pipeline.storage.records import PAPER, paper_on

    recorded, shown = run_shown(experiment, None, settings)
    if as_json:
        places = {"run_id": recorded.run_id, "report": recorded.report, "bundle": recorded.bundle}
        print_json(recorded.metrics | places | {"paper": PAPER})
    else:
        chosen = settings.dataset
        title = f"Run {recorded.run_id}: {chosen.name} {chosen.split} {settings.preset}"
        print_comparison(recorded.metrics, paper_on(chosen.name), title)
        print(f"Report: {recorded.report}")
        if recorded.bundle is not None:
            print(f"Bundle: {recorded.bundle}")
    if not shown:
        raise NotShown


@app.command()
def survey(
    photos: Annotated[str, typer.Argument(help="Folder, quoted glob, manifest (.csv, .parquet) or s3://… address.")],
    bundle: Annotated[
        Path | None, typer.Option(help="Folder of the trained cascade; default: roads, which ships.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to fill; default: surveys/NAME in the home.")] = None,
    root: Annotated[str | None, typer.Option(help="Folder of a manifest's paths; default: the manifest's own.")] = None,
    runner: Annotated[str, typer.Option(help="What runs the chunks: threads, dask or ray.")] = "threads",
    address: Annotated[
        str | None, typer.Option(help="Of a Dask scheduler or Ray cluster; default: a local one.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Chunks at a time; default: one a core, one on a GPU.")] = None,
    chunk: Annotated[int, typer.Option(help="Photographs a task.")] = 32,
    device: Device = "auto",
    masks: Annotated[str, typer.Option(help="Whose mask is written: all, cracked or none.")] = "all",
    overlays: Annotated[bool, typer.Option(help="Write photographs with boxes and cracks drawn in.")] = False,
    max_pixels: Annotated[int, typer.Option(help="Photographs with more pixels are refused.")] = 200_000_000,
    max_failures: Annotated[int | None, typer.Option(help="Exit with 1 if more photographs fail.")] = None,
    allow_outside: Annotated[bool, typer.Option(help="Follow paths and links that leave the root.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Look again at photographs that are recorded.")] = False,
    abandon: Annotated[bool, typer.Option(help="Drop an unfinished survey of this --out and begin anew.")] = False,
    camera: Annotated[
        Path | None, typer.Option(help="Camera file, YAML: scale, the region that is road, the lane.")
    ] = None,
    gsd: Annotated[
        float | None, typer.Option(help="Length of road that a pixel shows, mm, of all photographs.")
    ] = None,
    track: Annotated[Path | None, typer.Option(help="GPX track of the vehicle, matched by time.")] = None,
    clock_offset: Annotated[
        str | None, typer.Option(help="Added to the camera's clock: seconds, or -02:00 where it shows UTC+2.")
    ] = None,
    section: Annotated[str, typer.Option(help="Length of a section: 100m, 0.1mi or plain metres.")] = "100m",
    as_json: AsJson = False,
) -> None:
    """Find the cracks in a batch of photographs: tables, masks, and a reason for each that could not be done.

    The same command goes on where a survey was stopped; once it is done, it looks at new and changed photographs only.

    For example:

        crack-survey survey photos/2026-05-31 --out data/surveys/A7

        crack-survey survey 'photos/**/*.jpg' --bundle data/runs/RUN/bundle --overlays --max-failures 10

        crack-survey survey s3://agency/A7/manifest.csv --runner dask --address tcp://scheduler:8786
    """
    from pydantic import ValidationError

    from pipeline.survey.settings import SurveySettings

    given = {
        **({} if bundle is None else {"bundle": bundle}),
        **{"photos": photos, "out": out, "root": root, "runner": runner, "address": address},
        **{"workers": workers, "chunk": chunk, "device": device, "masks": masks, "overlays": overlays},
        **{"max_pixels": max_pixels, "max_failures": max_failures, "allow_outside": allow_outside},
        "incremental": not everything,
        "road": {
            "camera": camera,
            "gsd_mm_per_px": gsd,
            "track": track,
            "clock_offset": clock_offset,
            "section": section,
        },
    }
    try:
        settings = SurveySettings.model_validate(given)
    except ValidationError as error:
        wrong = "; ".join(
            f"--{OPTIONS.get(e['loc'][-1], e['loc'][-1])}: {e['msg']}".replace("_", "-") for e in error.errors()
        )
        raise UsageError(f"That does not fit: {wrong}.", "`crack-survey survey --help` shows what does.") from error
    _start_prefect()
    from flows.survey import run_from_command

    run_from_command(settings, abandon, as_json)


@app.command()
def evaluate(
    bundle: Annotated[Path, typer.Option(help="Folder of a trained cascade, such as the bundle/ of a run.")],
    dataset: Dataset = "sample",
    root: Root = None,
    mask_values: MaskValues = None,
    split: Annotated[
        str, typer.Option(help="paper-train, paper-val, paper-test, fold0-train … fold4-test, or all.")
    ] = "paper-test",
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Measure a trained cascade on a data set, at the thresholds it was bundled with, and record the figures.

    For example:

        crack-survey evaluate --bundle data/runs/RUN/bundle --dataset deepcrack --root DeepCrack --split paper-test
    """
    settings = _settings(None, dataset, root, mask_values, "paper", [], None, device)
    _start_prefect()
    from flows.evaluate import evaluate_bundle
    from flows.showing import NotShown, run_shown
    from flows.tables import print_comparison, print_json
    from pipeline.storage.records import PAPER, paper_on

    row, shown = run_shown(evaluate_bundle, None, bundle, settings.dataset, split, settings.device)
    if as_json:
        print_json({**row, "paper": PAPER})
    else:
        print_comparison(row, paper_on(dataset), f"Run {row['run_id']}: {bundle} on {dataset}, {split}")
    if not shown:
        raise NotShown


@app.command()
def export(
    bundle: Annotated[Path, typer.Option(help="Folder of a trained cascade, such as the bundle/ of a run.")],
    out: Annotated[Path | None, typer.Option(help="Folder to write to; default: onnx/ in the bundle.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write both networks of a bundle as ONNX files, for other runtimes; boxes are decoded outside.

    Surveys need none of this: OpenVINO, where it is installed, reads the bundle itself.

    For example:

        crack-survey export --bundle data/runs/RUN/bundle --out onnx
    """
    from models.bundle import load_bundle
    from models.export import export_onnx

    files = export_onnx(*load_bundle(bundle), (out or bundle / "onnx").expanduser())
    if as_json:
        print(json.dumps({name: str(path) for name, path in files._asdict().items()}))
        return
    for path in files:
        print(path)


@app.command()
def runs(
    as_json: AsJson = False,
    dataset: Annotated[str | None, typer.Option(help="Only runs on this data set.", show_default=False)] = None,
    split: Annotated[str | None, typer.Option(help="Only runs on this split.", show_default=False)] = None,
) -> None:
    """Print past runs, oldest first, below the paper's own figures.

    With --json: {"paper": {…}, "runs": [{…}, …]}, every column of the record.
    """
    from flows.tables import print_json, print_runs
    from pipeline.settings import home
    from pipeline.storage.records import runs_json

    past = runs_json(home())
    past["runs"] = [run for run in past["runs"] if dataset in (None, run["dataset"]) and split in (None, run["split"])]
    if as_json:
        print_json(past)
    else:
        print_runs(past["paper"], past["runs"])


@app.command()
def report(run: Annotated[str, typer.Argument(help="Id of a run, the beginning of one, or last.")]) -> None:
    """Print where the report page of a run lies, one self-contained HTML file; it is drawn again if it is gone.

    For example:

        xdg-open $(crack-survey report last)
    """
    from pipeline.settings import home
    from pipeline.storage.records import runs_json

    chosen = _find(runs_json(home())["runs"], run)["run_id"]
    page = home() / "runs" / chosen / "report.html"
    if not page.is_file():
        from pipeline.stages.record import rerender_report

        page = rerender_report(home(), chosen)
    print(page)


@app.command()
def serve(
    schedules: Annotated[
        Path | None,
        typer.Option(help="What runs when, YAML; default: schedules.yaml, where there is one.", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Runs at a time; others wait.")] = 1,
) -> None:
    """Serve experiment, evaluate and survey as Prefect deployments, on schedules or started by hand, until stopped.

    Needs a server: `prefect server start` in another terminal, and PREFECT_API_URL=http://127.0.0.1:4200/api here.
    docs/schedules.yaml is an example of the file; paths in it start from the folder that this command runs in.

    For example:

        crack-survey serve --schedules schedules.yaml
    """
    runtime.configure()
    from prefect.settings import PREFECT_API_URL

    if not PREFECT_API_URL.value():  # from the environment or a Prefect profile
        raise UsageError(
            "PREFECT_API_URL is not set, so there is no server to serve to.",
            "Run `prefect server start` in another terminal and set PREFECT_API_URL=http://127.0.0.1:4200/api.",
        )
    from flows.deployments import serve_all

    usual = Path("schedules.yaml")
    serve_all(schedules or (usual if usual.is_file() else None), limit)


def main() -> None:
    """Entry point of the command."""
    status: Any = 0
    try:
        app()
    except SystemExit as ended:
        status = ended.code
        raise
    finally:
        if showing := sys.modules.get("flows.showing"):  # `--help` does without Prefect
            showing.leave(status)


def _settings(
    preset: str | None,
    dataset: str,
    root: Path | None,
    mask_values: str | None,
    split: str,
    given: list[str],
    seed: int | None,
    device: str,
) -> RunSettings:
    from pipeline.settings import make_settings

    overrides: dict[str, Any] = {
        "dataset.name": dataset,
        "dataset.root": root,
        "dataset.mask_values": mask_values,
        "dataset.split": split,
        "device": device,
    }
    if seed is not None:
        overrides["seed"] = seed
    return make_settings(
        preset or ("sample" if dataset == "sample" else "fast"), overrides | dict(_parse(item) for item in given)
    )


def _parse(item: str) -> tuple[str, Any]:
    """Read ``a.b=c``; what is not JSON is a string.

    >>> _parse("labels.max_side=64"), _parse("device=cpu"), _parse("detector.levels=[3, 4]")
    (('labels.max_side', 64), ('device', 'cpu'), ('detector.levels', [3, 4]))
    """
    name, equals, text = item.partition("=")
    if not equals or not name.strip():
        raise UsageError(f"--set {item} is not NAME=VALUE.", "Write for example --set detector_training.epochs=30.")
    try:
        return name.strip(), json.loads(text)
    except json.JSONDecodeError:
        return name.strip(), text


def _find(runs: list[dict[str, Any]], wanted: str) -> dict[str, Any]:
    """The run whose id begins with `wanted`; the youngest for ``last``."""
    found = runs[-1:] if wanted == "last" else [run for run in runs if run["run_id"].startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if not runs:
        raise UsageError("There is no run yet.", "`crack-survey run` makes one; CRACK_SURVEY_HOME says where they lie.")
    names = ", ".join(run["run_id"] for run in (found or runs)[-5:])
    problem = f"{wanted!r} is the beginning of {len(found)} runs." if found else f"There is no run {wanted!r}."
    raise UsageError(problem, f"Choose one of: {names}, or last.")


def _start_prefect() -> None:
    from pipeline.settings import home

    home().mkdir(parents=True, exist_ok=True)  # where it cannot be made, say so before anything starts
    runtime.configure()
    runtime.show_lines()
    from flows.own_server import start_own_server

    start_own_server()
