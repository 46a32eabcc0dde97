import numpy as np
import pytest
import torch

from pipeline.bench import gpu
from pipeline.bench.arithmetic import multiply_adds
from tests.tiny import SEGMENTER, tiny_cascade

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU on this machine")


@pytest.fixture(scope="module")
def cascade():
    torch.manual_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return tiny_cascade(device=device, probability=0.5)


def test_the_share_of_the_matrix_rate_is_operations_over_time(cascade, monkeypatch):
    monkeypatch.setattr(gpu, "BATCHES", (1, 2))
    monkeypatch.setattr(gpu, "RUNS", 1)
    image = np.zeros((64, 96, 3), np.uint8)
    rows = gpu.forward_rows(cascade, [image], matrix=1e12)
    assert [(row["network"], row["batch"]) for row in rows] == [
        (n, b) for n in ("detector", "segmenter") for b in (1, 2)
    ]
    adds = multiply_adds(gpu.SegmenterGraph(cascade.stage2.segmenter, SEGMENTER.multiple), 64, 96)
    for row in rows[2:]:
        assert row["matrix_share"] == pytest.approx(row["pictures_per_s"] * 2 * adds / 1e12)


@needs_gpu
def test_a_gpu_is_measured_whole(cascade):
    measured = gpu.gpu_figures(cascade, [np.zeros((64, 96, 3), np.uint8)])
    assert measured["matrix_tflops"] > 1
    assert 0 < measured["busy"] <= 1
    assert sum(row["share"] for row in measured["kernels"]) <= 1 + 1e-9
