"""Tables that stages leave, as the record and the page read them."""

from __future__ import annotations

from pathlib import Path

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
        raise DataError(
            f"{path} cannot be read: {error}",
            f"Move {path.parent} away and run the experiment again: the stage is then done anew.",
        ) from error
