"""The command `crack-survey`. What a command needs is imported when it runs, so that ``--help`` answers at once."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from flows import runtime
from flows.cli_bench import bench
from flows.cli_camera import camera
from flows.cli_data import AsJson, data, path_here
from flows.cli_experiment import evaluate, run
from flows.cli_labels import labels
from flows.cli_measure import measure
from flows.cli_survey import survey
from flows.mistakes import Commands, tell_when_terminated
from models.errors import UsageError

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


@app.callback(invoke_without_command=True)
def _about(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    """Finds cracks in photographs of road and pavement: a RetinaNet says where to look, a U-Net draws them."""
    if version:
        from importlib.metadata import version as installed

        print(installed("crack-survey"))
        raise typer.Exit


app.add_typer(data, name="data")
app.add_typer(camera, name="camera")
app.add_typer(labels, name="labels")
app.command()(bench)
app.command()(measure)
app.command()(run)
app.command()(survey)
app.command()(evaluate)


@app.command()
def export(
    bundle: Annotated[Path, typer.Option(help="Folder of a trained cascade, such as the bundle/ of a run.")],
    out: Annotated[
        str | None, typer.Option(metavar="PATH", help="Folder to write to; default: onnx/ in the bundle.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write both networks of a bundle as ONNX files, for other runtimes; boxes are decoded outside.

    Surveys need none of this: OpenVINO, where it is installed, reads the bundle itself.

    For example:

        crack-survey export --bundle data/runs/RUN/bundle --out onnx
    """
    from models.bundle import load_bundle
    from models.export import export_onnx

    target = path_here(out, "out") or bundle.expanduser() / "onnx"
    files = export_onnx(*load_bundle(bundle), target)
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
    tell_when_terminated()
    try:
        app()
    except SystemExit as ended:
        status = ended.code
        raise
    finally:
        if showing := sys.modules.get("flows.showing"):  # `--help` does without Prefect
            showing.leave(status)


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
