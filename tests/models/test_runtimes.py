import functools
import importlib.util
import subprocess
import sys
import threading

import cv2
import numpy as np
import pytest
import torch

from models.backbones import normalise
from models.detections import decode_detections
from models.detector import RawOutput, build_detector
from models.detector_config import DetectorConfig
from models.errors import UsageError
from models.graphs import DetectorGraph, SegmenterGraph, fuse_batch_norm
from models.runtimes import OpenVinoRuntime, TorchRuntime, choose_runtime, make_runtime
from models.segmenter import SegmenterConfig, build_segmenter

CPU = torch.device("cpu")
INSTALLED = importlib.util.find_spec("openvino") is not None
needs_openvino = pytest.mark.skipif(not INSTALLED, reason="openvino is not installed: pip install -e '.[openvino]'")
RUNTIMES = ["torch", pytest.param("openvino", marks=needs_openvino)]
DETECTOR = DetectorConfig(space_to_depth=1, fpn_channels=16, head_convs=1)  # GroupNorm, SAME padding, ImageNet weights
SEGMENTER = SegmenterConfig()


@pytest.fixture(scope="module")
def pictures():
    """Three pictures with the smoothness and the values of photographs, ``(3, 96, 160, 3)``."""
    draw = np.random.default_rng(3)
    smooth = draw.normal(128, 40, (3, 96, 160, 3))
    smooth = np.stack([cv2.GaussianBlur(one, (0, 0), 2) * 4 - 384 for one in smooth])
    for one in smooth:
        cv2.line(one, (10, 20), (150, 70), (30, 30, 30), 3)
    return np.clip(smooth, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def networks(pictures):
    """A detector whose scores and boxes spread; the new batch norms of both networks have seen pictures."""
    torch.manual_seed(0)
    detector, segmenter = build_detector(DETECTOR).eval(), build_segmenter(SEGMENTER).eval()
    torch.nn.init.normal_(detector.head.classification_head.cls_logits.weight, std=0.3)
    torch.nn.init.normal_(detector.head.regression_head.bbox_reg.weight, std=0.05)
    for norm in (*segmenter.decoder.modules(), *detector.backbone.coarse_mask.modules()):
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.train().momentum = 1.0  # takes over the statistics of the next batch
    with torch.no_grad():
        pixels = normalise(torch.from_numpy(pictures).permute(0, 3, 1, 2))
        segmenter(pixels)
        detector.raw(pixels)
    return detector.eval(), segmenter.eval()


class Both:
    """Both networks on one runtime."""

    def __init__(self, runtime, detector, segmenter):
        self._detector = runtime.prepare(fuse_batch_norm(DetectorGraph(detector)))
        self._segmenter = runtime.prepare(fuse_batch_norm(SegmenterGraph(segmenter, SEGMENTER.multiple)))

    def detector(self, images):
        return RawOutput(*self._detector(images))

    def segmenter(self, images):
        return self._segmenter(images)[0].numpy()


@pytest.fixture(scope="module")
def runtime_of(networks):
    """Runtimes by name and precision, each made once."""

    @functools.cache
    def make(name, precision):
        return Both(make_runtime(name, CPU, precision), *networks)

    return make


@pytest.fixture(scope="module")
@torch.inference_mode()
def expected(networks, pictures):
    """What the networks as trained say, without anything of the runtimes."""
    detector, segmenter = networks
    pixels = normalise(torch.from_numpy(pictures).permute(0, 3, 1, 2))
    return detector.raw(pixels), segmenter(pixels)[:, 0].sigmoid().numpy()


def boxes_of(raw, size):
    anchors = build_detector(DETECTOR.model_copy(update={"weights": "none"})).anchors_for(*size)
    return decode_detections(raw, anchors, size, DETECTOR, 0.3)


@pytest.mark.parametrize("name", RUNTIMES)
def test_f32_equals_the_networks_as_trained(name, runtime_of, pictures, expected):
    runtime = runtime_of(name, "f32")
    raw, wanted = runtime.detector(pictures), expected[0]
    torch.testing.assert_close(raw.logits, wanted.logits, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(raw.deltas, wanted.deltas, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(raw.coarse_mask, wanted.coarse_mask, atol=1e-4, rtol=1e-4)
    np.testing.assert_allclose(runtime.segmenter(pictures), expected[1], atol=1e-4)
    ours, theirs = boxes_of(raw, (96, 160)), boxes_of(wanted, (96, 160))
    assert sum(len(each.boxes) for each in theirs) > 20
    for mine, expected_one in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine.boxes, expected_one.boxes, atol=0.01)


@pytest.mark.parametrize("name", RUNTIMES)
@torch.inference_mode()
def test_two_detectors_run_as_one(name, networks, pictures):
    torch.manual_seed(1)
    full = DETECTOR.model_copy(update={"space_to_depth": 1, "levels": (4, 5), "anchor_sizes": (28.0, 64.0)})
    pair = build_detector(DETECTOR.model_copy(update={"space_to_depth": 2, "second": full})).eval()
    runtime = Both(make_runtime(name, CPU, "f32"), pair, networks[1])
    for height, width in ((64, 96), (96, 64), (96, 96), (64, 128)):  # the first pads most of them, the second none
        pixels = pictures[:, :height, :width]
        raw, wanted = runtime.detector(pixels), pair.answer(normalise(torch.from_numpy(pixels).permute(0, 3, 1, 2)))
        assert raw.logits.shape[1] == len(pair.anchors_for(height, width))
        assert raw.coarse_mask.shape[1:] == (height // 4, width // 4)
        torch.testing.assert_close(raw.logits, wanted.logits, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(raw.deltas, wanted.deltas, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(raw.coarse_mask, wanted.coarse_mask, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", RUNTIMES)
def test_bf16_moves_boxes_and_masks_no_more_than_stated(name, runtime_of, pictures, expected):
    runtime = runtime_of(name, "bf16")
    raw, wanted = runtime.detector(pictures), expected[0]
    assert raw.logits.dtype == raw.deltas.dtype == raw.coarse_mask.dtype == torch.float32
    assert (raw.logits.sigmoid() - wanted.logits.sigmoid()).abs().quantile(0.99) < 0.05
    assert (raw.deltas - wanted.deltas).abs().quantile(0.99) < 0.03
    assert (raw.coarse_mask - wanted.coarse_mask).abs().quantile(0.99) < 0.05
    probability = runtime.segmenter(pictures)
    assert np.quantile(np.abs(probability - expected[1]), 0.99) < 0.05


@pytest.mark.parametrize("name", RUNTIMES)
def test_shapes_may_change_from_call_to_call(runtime_of, name, networks, pictures):
    runtime = runtime_of(name, "f32")
    first = runtime.segmenter(pictures)
    for height, width in ((32, 64), (96, 96), (64, 160)):
        cut = pictures[:, :height, :width]  # not contiguous
        with torch.inference_mode():
            pixels = normalise(torch.from_numpy(cut.copy()).permute(0, 3, 1, 2))
            wanted = networks[0].raw(pixels)
            probability = networks[1](pixels)[:, 0].sigmoid().numpy()
        np.testing.assert_allclose(runtime.segmenter(cut), probability, atol=1e-4)
        raw = runtime.detector(cut)
        torch.testing.assert_close(raw.logits, wanted.logits, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(raw.deltas, wanted.deltas, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(raw.coarse_mask, wanted.coarse_mask, atol=1e-4, rtol=1e-4)
    np.testing.assert_array_equal(runtime.segmenter(pictures), first)


@needs_openvino
@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_openvino_sees_a_picture_alike_in_any_batch(precision, runtime_of, pictures):
    runtime = runtime_of("openvino", precision)
    batch = np.concatenate([pictures] * 4)[:11]  # 8 + 2 + 1
    together, alone = runtime.detector(batch), runtime.detector(batch[10:])
    assert torch.equal(together.logits[10:], alone.logits)
    assert torch.equal(together.deltas[10:], alone.deltas)
    assert torch.equal(together.coarse_mask[10:], alone.coarse_mask)
    np.testing.assert_array_equal(runtime.segmenter(batch)[10:], runtime.segmenter(batch[10:]))


@pytest.mark.parametrize("name", RUNTIMES)
def test_threads_do_not_get_one_anothers_output(name, runtime_of, pictures):
    runtime = runtime_of(name, "f32")
    apart = [pictures[i : i + 1] for i in range(3)]
    expected = [(runtime.detector(one).logits, runtime.segmenter(one)) for one in apart]
    wrong = []

    def look(which):
        for _ in range(5):
            logits, probability = runtime.detector(apart[which]).logits, runtime.segmenter(apart[which])
            same = torch.allclose(logits, expected[which][0], atol=1e-5)
            if not (same and np.allclose(probability, expected[which][1], atol=1e-5)):
                wrong.append(which)

    threads = [threading.Thread(target=look, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("name", RUNTIMES)
@pytest.mark.parametrize("shape", [(1, 100, 64, 3), (1, 64, 63, 3), (0, 64, 64, 3)])
def test_sides_that_do_not_fit_are_refused(name, shape, runtime_of):
    runtime = runtime_of(name, "f32")
    for stage, multiple in ((runtime.detector, 32), (runtime.segmenter, 16)):
        with pytest.raises(ValueError, match=f"multiples of {multiple}"):
            stage(np.zeros(shape, np.uint8))


def test_choice_of_runtime(monkeypatch):
    assert choose_runtime("torch", CPU) == "torch"
    assert choose_runtime("auto", torch.device("cuda")) == "torch"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    assert choose_runtime("auto", CPU) == "openvino"
    with pytest.raises(UsageError, match="not on cuda"):
        choose_runtime("openvino", torch.device("cuda"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert choose_runtime("auto", CPU) == "torch"
    with pytest.raises(UsageError, match=r"crack-survey\[openvino\]"):
        choose_runtime("openvino", CPU)


@needs_openvino
def test_a_cpu_computes_in_f32_whatever_it_could():
    assert OpenVinoRuntime().precision == TorchRuntime().precision == "f32"
    with pytest.raises(UsageError, match="f16"):
        OpenVinoRuntime("f16")


@needs_openvino
def test_openvino_reports_to_nobody(tmp_path):
    script = (
        "import socket, sys\n"
        "def refuse(*args): raise AssertionError(f'a connection: {args}')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from models.openvino_runtime import import_openvino\n"
        "import_openvino().Core()\n"
        "assert sys.modules['openvino_telemetry'] is None\n"
    )
    environment = {"HOME": str(tmp_path), "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.iterdir()), "its telemetry leaves a folder ~/intel"
