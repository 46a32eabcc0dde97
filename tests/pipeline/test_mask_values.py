from __future__ import annotations

import pytest

from models.errors import UsageError
from pipeline.mask_values import COLOUR, MaskValues, told
from pipeline.settings import make_settings


@pytest.mark.parametrize(
    "text", ["", "38", "crack", "crack=", "crack=x", "ignore=255", "crack=5-3", "crack=1 crack=2", "crack=1-9 ignore=4",
             "crack=1,", "void=3 crack=1", "crack=#ffffff ignore=255", "crack=#ff", "crack=999999"]
)  # fmt: skip
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        MaskValues.parse(text)
    with pytest.raises(UsageError, match=r"dataset\.mask_values"):
        make_settings("fast", {"dataset.mask_values": text})


def test_colours_and_greys() -> None:
    assert MaskValues.parse("crack=#ff0000").crack == ((COLOUR | 0xFF0000,) * 2,)
    assert MaskValues.parse("crack=#262626").crack == ((COLOUR | 0x262626,) * 2,)
    assert MaskValues.parse("crack=#262626").names_colours
    assert not MaskValues.parse("crack=38 ignore=255").names_colours
    assert told(38) == "38"
