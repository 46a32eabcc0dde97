"""What a survey tells: one table for the terminal and the Prefect UI, the worst photographs, and an event."""

from __future__ import annotations

import html
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.events import emit_event
from rich.console import Console
from rich.table import Table

from flows.artifacts import MOST_BYTES, thumbnail, without_server_errors
from flows.events import EVENT
from flows.showing import in_a_run
from pipeline.reporting.figures import draw_boxes
from pipeline.survey.outputs import tint
from pipeline.survey.page.sections_table import section_name, worst_sections
from pipeline.survey.page.worst import look_again, most_cracked
from pipeline.survey.plan import Survey
from pipeline.survey.summary import count_kinds

WORST, WORST_SECTIONS, WIDTH_PX = 5, 10, 320
"""Photographs and sections shown as the worst, and the width of a picture. Each picture stands below its name: in a
table a long name would push it off the page."""

PAYLOAD = (
    *("run_id", "kind", "dataset", "source", "photographs", "images", "failures", "cracked", "detections"),
    *("unfamiliar", "data_reduction", "segmented_share", "crack_share", "skipped_share", "photographs_per_s"),
    *("total_s", "finished_at"),
)
"""Columns of the survey's row that its event carries."""


def survey_lines(row: Mapping[str, Any], kinds: Mapping[str, int]) -> list[tuple[str, str]]:
    """Figure and value, as text, of a survey's row of ``runs`` and its failures by kind."""
    told = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    return [
        ("photographs", f"{row['photographs']:,}"),
        ("cracked", f"{row['cracked']:,}{_share(row['cracked'], row['images'])}"),
        ("failed", f"{row['failures']:,}" + (f": {told}" if told else "")),
        ("unlike what the bundle has learnt from", _unfamiliar(row)),
        *([] if row["resampled"] is None else [("resampled to the scale that the bundle knows", _resampled(row))]),
        ("detections", f"{row['detections']:,}"),
        ("passed by the detector without a box", _percent(row["skipped_share"])),
        ("data reduction", _percent(row["data_reduction"])),
        ("share that stage 2 looked at", _percent(row["segmented_share"])),
        ("crack pixels", _percent(row["crack_share"], 3)),
        ("photographs a second", "–" if row["photographs_per_s"] is None else f"{row['photographs_per_s']:.2f}"),
        ("time at work", duration(row["total_s"])),
        ("most memory", f"{row['peak_memory_mb']:,.0f} MB"),
    ]


def publish_survey(survey: Survey, row: Mapping[str, Any]) -> None:
    """Make the artifacts ``survey`` (table) and ``survey-worst`` (pictures), and emit the event `EVENT`."""
    if not in_a_run():
        return
    kinds = count_kinds(survey.out, survey.plan.run_id)
    title = f"Survey {row['dataset']}, run {row['run_id']}"
    rows = [{"figure": figure, "value": html.escape(value)} for figure, value in survey_lines(row, kinds)]
    with without_server_errors():
        create_table_artifact(rows, key="survey", description=html.escape(title))
        create_markdown_artifact(
            survey_markdown(survey, row, kinds), key="survey-worst", description=html.escape(title)
        )
    with without_server_errors():
        emit_event(EVENT, resource=event_resource(survey, row), payload=event_payload(row))


def survey_markdown(survey: Survey, row: Mapping[str, Any], kinds: Mapping[str, int]) -> str:
    """Figures, where the output lies, and the worst photographs as far as they fit in `MOST_BYTES`."""
    text = f"# {_safe(row['dataset'])}\n\n| figure | value |\n| --- | --- |\n"
    text += "".join(f"| {figure} | {_safe(value)} |\n" for figure, value in survey_lines(row, kinds))
    if row.get("report"):
        text += f"\nReport: `{_safe(row['report'])}`\n"
    text += f"\nRecords, masks and overlays: `{_safe(survey.out)}`\n"
    text += sections_markdown(survey)
    head = "\n## Most crack\n"
    found = ""
    for seen in look_again(survey, most_cracked(survey, WORST)):
        cracks = seen.image if seen.mask is None else tint(seen.image, seen.mask)
        picture = draw_boxes(cracks, seen.boxes[:, :4], None)
        boxes = f"{seen.row['boxes']} box{'' if seen.row['boxes'] == 1 else 'es'}"
        # The figure first: a name at the beginning of a line may make a heading or a list of it.
        told = f"**{_percent(seen.row['crack_share'], 2)}** crack in {boxes}: {_safe(seen.row['name'])}"
        line = f"\n{told}\n\n![boxes and cracks]({thumbnail(picture, WIDTH_PX)})\n"
        if len((text + head + found + line).encode()) > MOST_BYTES:
            break
        found += line
    return text + head + found if found else text


def sections_markdown(survey: Survey) -> str:
    """The worst sections as a table, and how many there are; nothing where there are none."""
    sections = worst_sections(survey, WORST_SECTIONS)
    if not sections.count:
        return ""
    text = f"\n## Sections\n\n{sections.count:,} in all"
    text += f", the {len(sections.worst)} worst:\n\n" if sections.count > len(sections.worst) else ", worst first:\n\n"
    text += "| section | cracking | class | cracks | crack, m | pattern, m² | flags |\n"
    text += "| --- | ---: | --- | ---: | ---: | ---: | --- |\n"
    for row in sections.worst:
        percent, cracks = row["cracking_percent"], row["cracks"]
        cells = [
            *(_safe(section_name(row)[:200]), "–" if percent is None else f"{percent} %"),
            *(_safe(row["cracking_class"] or "–"), "–" if cracks is None else f"{cracks:,}"),
            *("–" if row[name] is None else f"{row[name]:.1f}" for name in ("crack_m", "pattern_m2")),
            _safe((row["flags"] or "")[:200]),
        ]
        text += f"| {' | '.join(cells)} |\n"
    return text


def event_resource(survey: Survey, row: Mapping[str, Any]) -> dict[str, str]:
    """What an automation can match: triggers compare labels, not numbers, so whether a limit is crossed is a label."""
    limit = survey.plan.settings.max_failures
    return {
        "prefect.resource.id": f"crack-survey.run.{row['run_id']}",
        "prefect.resource.name": f"survey {row['dataset']}",
        "crack-survey.kind": "survey",
        "crack-survey.name": str(row["dataset"]),
        "crack-survey.failures": "none" if not row["failures"] else "over limit" if over(row, limit) else "some",
        "crack-survey.unfamiliar": unfamiliar_label(row, survey.plan.settings.max_unfamiliar),
    }


def unfamiliar_label(row: Mapping[str, Any], limit: float | None) -> str:
    """How familiar the photographs were to the bundle, for triggers.

    >>> [unfamiliar_label({"unfamiliar": count, "images": 10}, 0.2) for count in (0, 2, 3, None)]
    ['none', 'some', 'over limit', 'unknown']
    """
    unfamiliar = row["unfamiliar"]
    if unfamiliar is None:
        return "unknown"
    if limit is not None and unfamiliar > limit * row["images"]:
        return "over limit"
    return "some" if unfamiliar else "none"


def event_payload(row: Mapping[str, Any]) -> dict[str, Any]:
    """The figures, safe for JSON."""
    return {name: value.isoformat() if isinstance(value := row[name], datetime) else value for name in PAYLOAD}


def over(row: Mapping[str, Any], limit: int | None) -> bool:
    """Whether more photographs failed than are allowed."""
    return limit is not None and row["failures"] > limit


def print_survey(row: Mapping[str, Any], kinds: Mapping[str, int]) -> None:
    """Print the table to standard output."""
    table = Table(title=f"Survey {row['dataset']}, run {row['run_id']}", title_justify="left", title_style="bold")
    table.add_column("figure")
    table.add_column("value", justify="right", overflow="fold")
    for figure, value in survey_lines(row, kinds):
        table.add_row(figure, value)
    Console(markup=False).print(table)


def duration(seconds: float) -> str:
    """Time as a person says it.

    >>> duration(7.25), duration(83), duration(7384), duration(300_000)
    ('7.2 s', '1 min 23 s', '2 h 3 min', '3 d 11 h')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    days, hours_left = divmod(hours, 24)
    if days:
        return f"{days} d {hours_left} h"
    return f"{hours} h {minutes_left} min" if hours else f"{minutes} min {rest} s"


def _unfamiliar(row: Mapping[str, Any]) -> str:
    unfamiliar = row["unfamiliar"]
    if unfamiliar is None:
        return "the bundle cannot say" if row["images"] else "–"
    return f"{unfamiliar:,}{_share(unfamiliar, row['images'])}"


def _resampled(row: Mapping[str, Any]) -> str:
    return f"{row['resampled']:,}{_share(row['resampled'], row['images'])}"


def _share(part: int, whole: int) -> str:
    return f" ({part / whole:.1%})" if whole else ""


def _percent(value: float | None, digits: int = 1) -> str:
    return "–" if value is None else f"{100 * value:.{digits}f} %"


_MARKUP = str.maketrans({sign: f"&#{ord(sign)};" for sign in "|`[!*"})


def _safe(value: Any) -> str:
    """Text that neither HTML nor markdown takes for its own.

    >>> _safe("*a* | <b>")
    '&#42;a&#42; &#124; &lt;b&gt;'
    """
    flat = "".join(" " if ord(character) < 32 else character for character in str(value))
    return html.escape(flat).translate(_MARKUP)
