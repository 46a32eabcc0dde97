"""What a page is made from, and the page as a browser reads it."""

from __future__ import annotations

import json
import re
from functools import cache
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd

from pipeline.datasets.base import Sample
from pipeline.reporting.curves import Curve, threshold_curve, training_curve
from pipeline.reporting.figures import figure2_rows
from pipeline.reporting.review import Review
from pipeline.reporting.run_page import ReportInput
from pipeline.storage.records import PAPER

HOSTILE = "<img src=x onerror=alert(1)>\"'&</script>"
VOID = {"meta", "img", "source", "br", "hr", "input", "link"}


class Page(HTMLParser):
    """Tags with their attributes, text, and whether every tag was closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.script = ""
        self.feed(page)
        self.close()
        assert not self.open
        self.text = re.sub(r"\s+", " ", " ".join(self.words)).replace("\u202f", " ")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.script += data
        elif not self.open or self.open[-1] != "style":
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def row(**more: Any) -> dict[str, Any]:
    return {
        "run_id": "20260130T101512-3fa2c1",
        "kind": "experiment",
        "preset": "fast",
        "dataset": "crackforest",
        "split": "paper",
        "device": "two cores",
        "precision": 0.9951,
        "precision_low": 0.98,
        "precision_high": 1.0,
        "segmentation_error": 0.02,
        "segmentation_error_low": 0.015,
        "segmentation_error_high": 0.03,
        "data_reduction": 0.7212,
        "f1_2px": 0.912,
        "full_frame_f1_2px": 0.918,
        "cascade_ms": 40.0,
        "full_frame_ms": 120.0,
        "detect_ms": 22.0,
        "segment_ms": float("nan"),
        "settings": json.dumps({"labels": {"max_side": 96}}),
    } | more


def images(*names: str) -> pd.DataFrame:
    size = {
        "height_px": 80,
        "width_px": 120,
        "crack_px": 100,
        "union_px": 960,
        "boxes": 4,
        "tp": 4,
        "fp": 0,
        "missed_px": 0,
    }
    return pd.DataFrame([{"name": name, "f1_2px": 0.9} | size for name in names])


def sample(name: str) -> Sample:
    mask = np.zeros((80, 120), dtype=bool)
    mask[10, 5:55] = True
    return Sample(name, name, np.random.default_rng(0).integers(90, 160, (80, 120, 3)).astype(np.uint8), mask)


@cache
def curves() -> dict[str, Curve]:
    """Drawn once: no page changes them, and to draw them takes longer than all else that a page needs."""
    curve = pd.DataFrame({"score_threshold": [0.1, 0.9], "precision": [0.9, 1], "data_reduction": [0.6, 0.9]})
    history = pd.DataFrame({"epoch": [1, 2], "loss": [2.0, 1.0], "val_score": [0.4, 0.6], "best": [False, True]})
    return {
        "Training": training_curve(history, None),
        "Threshold": threshold_curve(curve.assign(segmentation_error=[0.0, 0.2]), 0.3, PAPER),
    }


def whole_report(name: str = "001") -> ReportInput:
    one, boxes, scores = sample(name), np.array([[0, 5, 30, 20], [70, 40, 90, 70]]), np.array([0.995, 0.4])
    figures = [(name, figure2_rows(one, boxes, scores, one.mask))]
    review = Review()
    review.add(one, boxes, scores)
    return ReportInput(row(), PAPER, images(name, "other"), figures, curves(), review)
