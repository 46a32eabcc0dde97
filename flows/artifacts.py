"""What the Prefect UI shows of a run: figures beside the paper's, and a page with a few pictures.

Artifacts are for people to look at; the record in Parquet is the truth. A server that is away costs the artifact, not
the run.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from PIL import Image as PillowImage
from prefect import get_client
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.logging import get_logger
from prefect.runtime import flow_run

from flows.comparison import compare, headings
from pipeline.arrays import Image
from pipeline.datasets.masks import read_mask
from pipeline.reporting.figures import figure2_rows
from pipeline.reporting.pages import data_uri
from pipeline.settings import RunSettings
from pipeline.stages.detector import read_score_threshold
from pipeline.stages.prepare import BOX_COLUMNS, load_part
from pipeline.storage.records import paper_on
from pipeline.storage.stage_files import read_stage_table

MOST_BYTES = 90_000
"""The UI grows slow above about 100 KB."""

PICTURES = 3
WIDTH_PX = 180
"""Of each of the four pictures in a row: a fifth, or wider ones, would be cut off at the edge of the UI's page."""

CAPTIONS = {
    "input": "photograph",
    "boxes": "boxes",
    "outcome": "found and missed",
    "predicted": "predicted",
}


@contextmanager
def without_server_errors() -> Iterator[None]:
    """Turn any failure to show something into a warning: what is for people to look at never costs a run."""
    try:
        yield
    except Exception as error:
        get_logger("artifacts").warning("Not shown in Prefect: %r", error)


def tag_run(*names: str) -> None:
    """Tag the flow run that this is called in, beside the tags it has; `prefect.tags` only reaches what it calls."""
    with without_server_errors(), get_client(sync_client=True) as client:
        client.update_flow_run(UUID(str(flow_run.id)), tags={*flow_run.tags, *names})


def publish_metrics(metrics: Mapping[str, Any], title: str) -> None:
    """Make the table artifact ``metrics``: a row a figure, the paper's beside ours."""
    paper = paper_on(metrics.get("dataset"))
    columns = ("figure", *headings(paper))
    rows = [dict(zip(columns, line, strict=False)) for line in compare(metrics, paper)]
    with without_server_errors():
        create_table_artifact(rows, key="metrics", description=title)


def publish_report(metrics: Mapping[str, Any], title: str, report: Path, pictures: list[dict[str, Image]]) -> None:
    """Make the markdown artifact ``report``: the figures, and pictures as far as they fit in `MOST_BYTES`.

    Args:
        metrics: of the run.
        title: heading.
        report: HTML page of the run, named by its path: browsers follow no link from the UI to a file.
        pictures: of `figure2_pictures`.
    """
    with without_server_errors():
        create_markdown_artifact(report_markdown(metrics, title, report, pictures), key="report", description=title)


def report_markdown(metrics: Mapping[str, Any], title: str, report: Path, pictures: list[dict[str, Image]]) -> str:
    """Text of the artifact of `publish_report`, at most `MOST_BYTES` long."""
    paper = paper_on(metrics.get("dataset"))
    columns = ("figure", *headings(paper))
    told = compare(metrics, paper)
    text = "\n".join(
        [
            f"# {title}",
            "",
            f"| {' | '.join(columns)} |",
            "| --- |" + " ---: |" * (len(columns) - 1),
            *(f"| {' | '.join(line[: len(columns)])} |" for line in told),
            "",
            f"The whole report, every test picture in it: `{report}`",
            "",
        ]
    )
    head = f"\n| {' | '.join(CAPTIONS.values())} |\n|{' --- |' * len(CAPTIONS)}\n"
    rows = ""
    for views in pictures:
        row = "| " + " | ".join(f"![{CAPTIONS[key]}]({thumbnail(views[key])})" for key in CAPTIONS) + " |\n"
        if len((text + head + rows + row).encode()) > MOST_BYTES:
            break
        rows += row
    return text + head + rows if rows else text


def figure2_pictures(settings: RunSettings, prepared: Path, detected: Path, segmented: Path) -> list[dict[str, Image]]:
    """Views of the first test pictures that show a crack, by the names of `pipeline.reporting.figures.figure2_rows`."""
    detections = read_stage_table(detected / "detections.parquet")
    detections = detections[detections["score"] >= read_score_threshold(detected)]
    cracked = (sample for sample in load_part(settings, prepared, "test") if sample.mask.any())
    views = []
    for sample in islice(cracked, PICTURES):
        mine = detections[detections["name"] == sample.name]
        mask = read_mask(segmented / "masks" / f"{sample.name}.png")
        views.append(figure2_rows(sample, mine[BOX_COLUMNS].to_numpy(), mine["score"].to_numpy(), mask))
    return views


def thumbnail(picture: Image, width: int = WIDTH_PX) -> str:
    """JPEG data URI of an ``(H, W, 3)`` picture, `width` px wide at most."""
    small = PillowImage.fromarray(picture)
    small.thumbnail((width, 2 * width))
    target = io.BytesIO()
    small.save(target, "JPEG", quality=60)
    return data_uri("jpeg", target.getvalue())
