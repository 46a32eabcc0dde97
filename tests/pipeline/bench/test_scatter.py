import pytest

from models.errors import UsageError
from pipeline.bench.scatter import plot_speed


def row(widths=(64, 32), dataset="a", kind="experiment", **changes):
    settings = {"segmenter": {"encoder": "efficientnet_lite0", "decoder_channels": list(widths)}}
    return {
        "settings": settings,
        "kind": kind,
        "dataset_fingerprint": dataset,
        "split_fingerprint": "s",
        "f1_2px_mean": 0.94,
        "full_frame_f1_2px_mean": 0.93,
        "cascade_ms": 20.0,
        "full_frame_ms": 50.0,
    } | changes


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_one_line_a_run_and_the_last_of_equal_ones(tmp_path, suffix):
    path = tmp_path / f"speed{suffix}"
    rows = [row(), row(f1_2px_mean=0.95), row((16, 8)), row(kind="survey"), row((8, 8), f1_2px_mean=None)]
    assert plot_speed(rows, path) == 2
    assert path.stat().st_size > 2000


def test_what_cannot_be_compared_is_refused(tmp_path):
    with pytest.raises(UsageError, match="different data"):
        plot_speed([row(), row((1, 2), "b")], tmp_path / "x.svg")
    with pytest.raises(UsageError, match="no runs"):
        plot_speed([], tmp_path / "x.svg")
    assert not list(tmp_path.iterdir())
