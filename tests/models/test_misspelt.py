from typing import Annotated

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from models.misspelt import plainly


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")
    label: str = ""
    weight: float = 1


class Whole(BaseModel):
    model_config = ConfigDict(extra="forbid")
    seed: int = 1
    second: Part | None = None
    parts: tuple[Annotated[Part, "of a pool"], ...] = ()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"sede": 3}, "There is no such setting; the nearest is seed"),
        ({"zebra": 3}, "There is no such setting; there are seed, second, parts"),
        ({"second": {"wieght": 2}}, "There is no such setting; the nearest is weight"),
        ({"parts": [{}, {"labels": "a"}]}, "There is no such setting; the nearest is label"),
        ({"parts": [{"zebra": 1}]}, "There is no such setting; there are label, weight"),
        ({"seed": "x"}, "Input should be a valid integer, unable to parse string as an integer"),
    ],
)
def test_a_name_that_does_not_exist_is_told_with_those_that_do(given: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError) as error:
        Whole.model_validate(given)
    assert [plainly(problem, Whole) for problem in error.value.errors()] == [told]
