"""What stages leave in their folders, as later stages, the record and the page read it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from models.errors import DataError


def read_stage_table(path: Path) -> pd.DataFrame:
    """Read a Parquet file of a stage's folder.

    Raises:
        DataError: it is damaged or gone; names it.
    """
    try:
        return pd.read_parquet(path)
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error


def read_stage_json(path: Path) -> Any:
    """Read a JSON file of a stage's folder.

    Raises:
        DataError: it is damaged or gone; names it.
    """
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:  # ValueError: no JSON, or no text
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(
        f"{path} cannot be read: {error}",
        f"Move {path.parent} away and run the experiment again: the stage is then done anew.",
    )
