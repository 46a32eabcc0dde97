import importlib.util
import json
import os
import shutil

import numpy as np
import pytest
import torch

from models.bundle import BundleCard
from models.detector import build_detector
from models.detector_config import DetectorConfig
from models.errors import BundleError, UsageError
from models.export import CARD_KEY, export_onnx
from models.graphs import DetectorGraph, SegmenterGraph
from models.openvino_runtime import import_openvino
from models.segmenter import SegmenterConfig, build_segmenter
from tests.tiny import tiny_card

DETECTOR = DetectorConfig(fpn_channels=16, head_convs=1)
SEGMENTER = SegmenterConfig(encoder="resnet18", weights="none", decoder_channels=(32, 16, 8))


@pytest.fixture(scope="module")
def networks():
    torch.manual_seed(0)
    return build_detector(DETECTOR).eval(), build_segmenter(SEGMENTER).eval()


@pytest.fixture(scope="module")
def card():
    return tiny_card(detector=DETECTOR, segmenter=SEGMENTER)


@pytest.fixture(scope="module")
def exported(networks, card, tmp_path_factory):
    pytest.importorskip("onnx", reason="onnx is not installed: pip install -e '.[onnx]'")
    return export_onnx(*networks, card, tmp_path_factory.mktemp("export"))


@torch.inference_mode()
def test_onnx_says_what_pytorch_says_at_any_size(exported, networks):
    # Not importorskip, which would import it with its telemetry.
    if importlib.util.find_spec("openvino") is None:
        pytest.skip("openvino, which runs the files here, is not installed")
    core = import_openvino().Core()
    graphs = DetectorGraph(networks[0]), SegmenterGraph(networks[1], SEGMENTER.multiple)
    for path, graph in zip(exported, graphs, strict=True):
        model = core.compile_model(core.read_model(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        for shape in ((1, 64, 96, 3), (3, 96, 32, 3)):
            images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
            expected = graph(torch.from_numpy(images))
            outputs = model([images])
            assert len(outputs) == len(expected)
            for index, tensor in enumerate(expected):
                np.testing.assert_allclose(outputs[index], tensor.numpy(), atol=1e-4, rtol=1e-4)


def test_files_name_their_sides_and_carry_the_card(exported, card):
    import onnx

    for path, outputs in zip(exported, (["logits", "deltas", "features", "coarse_mask"], ["probability"]), strict=True):
        model = onnx.load(path)
        assert [one.name for one in model.graph.input] == ["images"]
        assert [one.name for one in model.graph.output] == outputs
        sides = model.graph.input[0].type.tensor_type.shape.dim
        assert [side.dim_param or side.dim_value for side in sides] == ["batch", "height", "width", 3]
        properties = {one.key: one.value for one in model.metadata_props}
        assert BundleCard.model_validate(json.loads(properties[CARD_KEY])) == card
    assert sorted(path.name for path in exported.detector.parent.iterdir()) == ["detector.onnx", "segmenter.onnx"]


def test_without_onnx_the_remedy_is_told(networks, card, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"crack-survey\[onnx\]"):
        export_onnx(*networks, card, tmp_path)


def test_a_folder_that_cannot_be_made_is_told(networks, card, tmp_path):
    pytest.importorskip("onnx")
    (tmp_path / "file").touch()
    with pytest.raises(BundleError, match="Cannot write"):
        export_onnx(*networks, card, tmp_path / "file")


def test_a_file_that_is_no_export_is_not_replaced(exported, networks, card, tmp_path):
    (tmp_path / "segmenter.onnx").write_bytes(b"the user's own")
    with pytest.raises(BundleError, match=r"segmenter\.onnx is not one that crack-survey wrote") as told:
        export_onnx(*networks, card, tmp_path)
    assert "--out" in told.value.remedy
    assert [path.name for path in tmp_path.iterdir()] == ["segmenter.onnx"]
    assert (tmp_path / "segmenter.onnx").read_bytes() == b"the user's own"


def test_an_export_is_replaced_by_the_next(exported, networks, card, tmp_path):
    for path in exported:
        shutil.copy(path, tmp_path)
    again = export_onnx(*networks, card.model_copy(update={"name": "another"}), tmp_path)
    assert b"another" in again.detector.read_bytes()
    (tmp_path / "detector.onnx").unlink()
    os.mkfifo(tmp_path / "detector.onnx")
    with pytest.raises(BundleError, match=r"detector\.onnx"):
        export_onnx(*networks, card, tmp_path)
