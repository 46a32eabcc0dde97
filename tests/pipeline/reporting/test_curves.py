"""Curves: what is drawn and named, on tables small enough to see through."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from pipeline.reporting.curves import DARK, LIGHT, Curve, _line, threshold_curve, training_curve

PAPER = {"precision": 0.9892, "segmentation_error": 0.0122, "data_reduction": 0.7212}


def history(**columns: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"epoch": [1, 2, 3], "loss": [2.0, 1.0, 0.5], "best": [False, True, False]} | columns)


def labels(drawn: Curve) -> set[str]:
    root = ElementTree.fromstring(drawn.light)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    return {"".join(node.itertext()).strip() for node in root.iter("{http://www.w3.org/2000/svg}text")}


def test_training_curve_shows_losses_shares_and_the_best_epoch() -> None:
    drawn = training_curve(
        history(val_precision=[0.5, np.nan, 0.9], val_count=[3.0, 9.0, 4.0]), history(val_f1_2px=[0, 0.5, 0.4])
    )
    assert {"Detector", "Segmenter", "loss", "precision", "f1 2px", "best: 2"} <= labels(drawn)
    assert "count" not in labels(drawn), "no share"


@pytest.mark.parametrize(("values", "marker"), [([np.nan, np.nan, 0.9], "o"), ([np.nan, 0.5, 0.9], "")])
def test_a_figure_that_was_taken_once_is_a_dot(values: list[float], marker: str) -> None:
    line = _line(Figure().subplots(), pd.Series([1, 2, 3]), pd.Series(values), 0, "precision", LIGHT)
    assert line.get_marker() == marker


@pytest.mark.parametrize("missing", [None, pd.DataFrame()])
def test_training_curve_of_one_network(missing: pd.DataFrame | None) -> None:
    assert "not trained in this run" in labels(training_curve(missing, history()))


def curve(**more: str) -> pd.DataFrame:
    columns = {"score_threshold": [0.1, 0.5, 0.9], "precision": [0.8, 0.99, np.nan], "data_reduction": [0.6, 0.8, 1.0]}
    return pd.DataFrame(columns | {"segmentation_error": [0.0, 0.01, 1.0]} | more)


@pytest.mark.parametrize("chosen", [0.31, None, float("nan")])
def test_threshold_curve(chosen: float | None) -> None:
    drawn = labels(threshold_curve(curve(), chosen, PAPER))
    assert {"precision", "data reduction", "segmentation error", "paper, at 0.5"} <= drawn
    assert ("chosen: 0.31" in drawn) == (chosen == 0.31)
    assert "thin: validation" not in drawn


def test_threshold_curve_of_test_and_validation() -> None:
    both = pd.concat([curve(part="test"), curve(part="val")], ignore_index=True)
    assert "thin: validation" in labels(threshold_curve(both, 0.5, PAPER))


def test_curves_are_small_repeatable_and_drawn_for_light_and_dark() -> None:
    drawn = threshold_curve(curve(), 0.5, PAPER)
    assert drawn == threshold_curve(curve(), 0.5, PAPER)
    for svg, theme, other in ((drawn.light, LIGHT, DARK), (drawn.dark, DARK, LIGHT)):
        assert len(svg) < 60_000
        for colour, strange in zip(
            [theme.ink, theme.soft, theme.rule, *theme.lines[:3]],
            [other.ink, other.soft, other.rule, *other.lines[:3]],
            strict=True,
        ):
            assert colour.encode() in svg
            assert strange.encode() not in svg
