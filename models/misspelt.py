"""What pydantic finds wrong with settings, told so that a slip of the pen is seen as one."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails


def plainly(problem: ErrorDetails, model: type[BaseModel]) -> str:
    """The message of one error; of a name that does not exist, the nearest that does, or all that may stand there.

    Args:
        problem: of `pydantic.ValidationError.errors`.
        model: that was validated.
    """
    if problem["type"] != "extra_forbidden":
        return problem["msg"].removeprefix("Value error, ")
    *parents, given = problem["loc"]
    there = _names_at(model, parents)
    if near := get_close_matches(str(given), there, n=1):
        return f"There is no such setting; the nearest is {near[0]}"
    return f"There is no such setting; there are {', '.join(there)}"


def _names_at(model: type[BaseModel], place: list[int | str]) -> list[str]:
    """Names of the fields at a place within a model; numbers and tags, which are no fields, lead no deeper."""
    level = [model]
    for step in place:
        fields = [one.model_fields[step] for one in level if isinstance(step, str) and step in one.model_fields]
        level = [found for field in fields for found in _models_in(field.annotation)] if fields else level
    return [name for one in level for name in one.model_fields]


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Models that a type is made of, such as ``tuple[Part, ...]`` or ``Part | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)
