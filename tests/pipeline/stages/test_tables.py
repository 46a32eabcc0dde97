from pathlib import Path

import pandas as pd
import pytest

from models.errors import DataError
from pipeline.stages.tables import read_stage_table


@pytest.mark.parametrize("left", [None, 0, 0.5])
def test_a_table_that_is_damaged_or_gone_is_named_with_what_to_do(tmp_path: Path, left: float | None) -> None:
    path = tmp_path / "key" / "counts.parquet"
    path.parent.mkdir()
    if left is not None:
        pd.DataFrame({"name": ["a", "b"]}).to_parquet(path)
        path.write_bytes(path.read_bytes()[: int(left * path.stat().st_size)])
    with pytest.raises(DataError, match=r"counts\.parquet cannot be read") as told:
        read_stage_table(path)
    assert f"Move {path.parent} away" in told.value.remedy
