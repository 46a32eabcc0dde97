"""The event that every finished run emits, for automations: triggers compare labels, not numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from prefect.events import emit_event

from flows.artifacts import without_server_errors
from pipeline.settings import LimitSettings
from pipeline.storage.schemas import HEADLINE

EVENT = "crack-survey.run.completed"


def publish_completed(kind: str, name: str, row: Mapping[str, Any], limits: LimitSettings) -> None:
    """Emit `EVENT` of an experiment or an evaluation.

    Args:
        kind: ``experiment`` or ``evaluate``.
        name: what was run, for people and triggers.
        row: of the table ``runs``, or as much of it as there is.
        limits: whose crossing becomes labels.
    """
    payload = {"run_id": row["run_id"], "kind": kind, **{key: _plain(row.get(key)) for key in HEADLINE}}
    with without_server_errors():
        emit_event(EVENT, resource=run_resource(kind, name, row, limits), payload=payload)


def run_resource(kind: str, name: str, row: Mapping[str, Any], limits: LimitSettings) -> dict[str, str]:
    """Labels that a trigger can match, those of `limit_labels` with them."""
    return {
        "prefect.resource.id": f"crack-survey.run.{row['run_id']}",
        "prefect.resource.name": f"{kind} {name}",
        "crack-survey.kind": kind,
        "crack-survey.name": name,
        **limit_labels(row, limits),
    }


def limit_labels(row: Mapping[str, Any], limits: LimitSettings) -> dict[str, str]:
    """One label a figure: ``no limit``, ``within limit`` or ``beyond limit``; an unknown figure is beyond.

    >>> limit_labels({"precision": 0.93}, LimitSettings(precision=0.95))["crack-survey.precision"]
    'beyond limit'
    """
    labels = {}
    for figure, limit in limits.model_dump().items():
        value = row.get(figure)
        if limit is None:
            state = "no limit"
        elif value is None or value != value:
            state = "beyond limit"
        else:
            kept = value <= limit if figure == "segmentation_error" else value >= limit
            state = "within limit" if kept else "beyond limit"
        labels[f"crack-survey.{figure}"] = state
    return labels


def _plain(value: Any) -> Any:
    """Numbers that JSON has no word for become None."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
