"""What an automation can match: whether a figure kept to its limit."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flows import events
from flows.events import EVENT, limit_labels, publish_completed
from pipeline.settings import LimitSettings

LIMITS = LimitSettings(precision=0.95, segmentation_error=0.02, data_reduction=0.7)


@pytest.mark.parametrize(
    ("figure", "value", "state"),
    [
        ("precision", 0.96, "within limit"),
        ("precision", 0.95, "within limit"),
        ("precision", 0.94, "beyond limit"),
        ("precision", float("nan"), "beyond limit"),
        ("precision", None, "beyond limit"),
        ("segmentation_error", 0.01, "within limit"),
        ("segmentation_error", 0.03, "beyond limit"),
        ("data_reduction", 0.8, "within limit"),
        ("data_reduction", 0.1, "beyond limit"),
    ],
)
def test_limits(figure: str, value: float | None, state: str) -> None:
    assert limit_labels({figure: value}, LIMITS)[f"crack-survey.{figure}"] == state
    assert limit_labels({figure: value}, LimitSettings())[f"crack-survey.{figure}"] == "no limit"


def test_the_event(monkeypatch: pytest.MonkeyPatch) -> None:
    emitted: list[dict[str, Any]] = []
    monkeypatch.setattr(events, "emit_event", lambda event, **more: emitted.append({"event": event, **more}))
    publish_completed("evaluate", "dnit all", {"run_id": "r1", "precision": 0.9, "ap50": float("nan")}, LIMITS)
    (event,) = emitted
    assert event["event"] == EVENT == "crack-survey.run.completed"
    assert event["resource"]["prefect.resource.id"] == "crack-survey.run.r1"
    assert event["resource"]["crack-survey.kind"] == "evaluate"
    assert event["resource"]["crack-survey.precision"] == "beyond limit"
    assert event["payload"]["precision"] == 0.9
    assert event["payload"]["ap50"] is None
    json.dumps(event, allow_nan=False)
