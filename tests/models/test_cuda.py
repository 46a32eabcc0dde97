import numpy as np
import pytest
import torch

from models.cuda import STEP_PX
from models.detector import build_detector, detector_multiple
from models.detector_config import DetectorConfig
from models.graphs import DetectorGraph, SegmenterGraph, fuse_batch_norm
from models.runtimes import TorchRuntime, make_runtime
from models.segmenter import SegmenterConfig, build_segmenter

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU on this machine")
DETECTOR = DetectorConfig(fpn_channels=16, head_convs=1)
SEGMENTER = SegmenterConfig()


@pytest.fixture(scope="module")
def networks():
    torch.manual_seed(0)
    return build_detector(DETECTOR).eval(), build_segmenter(SEGMENTER).eval()


# cuDNN rounds the factors of f32 to TF32, by up to 5 in 10,000.
@pytest.mark.parametrize(("precision", "tolerance"), [("f32", 0.01), ("f16", 0.05)])
def test_a_gpu_says_the_same_captured_or_not(networks, precision, tolerance):
    draw = np.random.default_rng(0)
    graphs = DetectorGraph(networks[0]), SegmenterGraph(networks[1], SEGMENTER.multiple)
    runtimes = make_runtime("torch", torch.device("cuda"), precision), TorchRuntime("f32")
    (detector, segmenter), (cpu_detector, cpu_segmenter) = (
        [runtime.prepare(fuse_batch_norm(graph)) for graph in graphs] for runtime in runtimes
    )
    side = detector_multiple(DETECTOR)
    assert side % STEP_PX == 0  # beyond that, what is added at the border shows in the pixels next to it
    for shape in ((1, side, 2 * side, 3), (2, 2 * side, side, 3)):
        for _ in range(3):  # kernel by kernel, captured, played again: each on other pixels
            images = draw.integers(0, 256, shape, np.uint8)
            for ours, expected in zip(detector(images), cpu_detector(images), strict=True):
                assert ours.device.type == "cpu"
                close = (ours.sigmoid() - expected.sigmoid()).abs() <= tolerance
                assert close.float().mean() > 0.99
            assert ((segmenter(images)[0] - cpu_segmenter(images)[0]).abs() <= tolerance).float().mean() > 0.99
