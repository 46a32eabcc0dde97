from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline.reporting.pages import milliseconds, percent, seconds, text, whole


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (percent(0.0122, 2), "1.22 %"),
        (percent(pd.NA), "–"),
        (whole(12345), "12 345"),
        (whole(np.int64(0)), "0"),
        (milliseconds(53.1), "53.1"),
        (milliseconds(4.2149), "4.21"),
        (milliseconds(1204.4), "1 204"),
        (seconds(2931), "49 min"),
        (seconds(None), "–"),
        (text(float("nan")), "–"),
        (text(""), "–"),
        (text(0), "0"),
    ],
)
def test_formats(shown: str, expected: str) -> None:
    assert shown.replace("\u202f", " ") == expected
