"""YAML that a user hands in: read behind the wall of `models.given`, and no larger or deeper than people write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from models.errors import UsageError
from models.given import read_given

MOST_BYTES, MOST_VALUES = 1_000_000, 20_000
LONGEST_TOLD = 60


class Loader(yaml.SafeLoader):
    """Reads YAML whose keys each stand there once."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """One mapping; of two equal keys, YAML would keep the last without a word."""
        keys = [key.value for key, _ in node.value if isinstance(key.value, str)]
        if doubled := [key for key in keys if keys.count(key) > 1 and key != "<<"]:
            name = repr(doubled[0]) if len(doubled[0]) <= LONGEST_TOLD else f"{doubled[0][:LONGEST_TOLD]!r}…"
            raise yaml.constructor.ConstructorError(None, None, f"{name} stands there twice", node.start_mark)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


def read_yaml(path: Path, what: str, remedy: str, loader: type[Loader] = Loader) -> Any:
    """Read a file of YAML.

    Args:
        path: of the file.
        what: how a message names it.
        remedy: what to do where it cannot be read.
        loader: turns its values into objects.

    Raises:
        UsageError: there is no such file, it is no YAML, a key stands there twice, or it is larger or deeper than any
            that people write.
    """
    try:
        content = yaml.load(read_given(path.expanduser(), MOST_BYTES).decode("utf-8-sig"), loader)
        _check_size(content)
    except (OSError, UnicodeDecodeError) as error:
        told = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise UsageError(f"{what} cannot be read: {told}.", remedy) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark is not None else ""
        told = getattr(error, "problem", None) or error
        star = "Put a text that begins with * into quotes. " if "alias" in str(error) else ""
        raise UsageError(f"{what}{place}: no YAML: {told}.", star + remedy) from error
    except (RecursionError, ValueError) as error:
        wrong = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise UsageError(f"{what} cannot be read: {wrong}.", remedy) from error
    return content


def _check_size(content: Any) -> None:
    """Refuse aliases that unfold without end, and numbers that nothing can print.

    Raises:
        ValueError: there are too many values, or one is too large.
    """
    waiting, count = [content], 0
    while waiting:
        value = waiting.pop()
        count += 1
        if count > MOST_VALUES:
            raise ValueError(f"it holds over {MOST_VALUES:,} values")
        if isinstance(value, dict):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, list | tuple | set):
            waiting += value
        elif isinstance(value, int) and abs(value) >= 2**63:
            raise ValueError("it holds a number of over 18 digits")
