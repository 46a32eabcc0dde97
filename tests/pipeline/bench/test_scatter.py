import pytest

from pipeline.bench.scatter import plot_speed


def row(name="Lite0, 64-32"):
    figures = {"f1_2px_mean": 0.94, "full_frame_f1_2px_mean": 0.93, "cascade_ms": 20.0, "full_frame_ms": 50.0}
    return {"name": name} | figures


@pytest.mark.parametrize("suffix", [".svg", ".png", ".PNG"])
def test_a_picture_is_drawn(tmp_path, suffix):
    path = tmp_path / f"speed{suffix}"
    plot_speed([row(), row("ResNet-18, 8-8")], path)
    assert path.stat().st_size > 2000
