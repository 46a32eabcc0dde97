"""The presets: what each sets that differs from the defaults of `pipeline.settings.RunSettings`."""

from __future__ import annotations

from typing import Any

from models.shipped import shipped_bundle

# A detector that has seen roads of several kinds, all of them free for commercial use.
_START = shipped_bundle("roads")

# Five sixths of the multiply-adds. From ImageNet alone such a detector is unsure, and leaves out too little.
_LIGHT = {"levels": [3, 4], "anchor_sizes": [14, 30], "head_convs": 1}

PRESETS: dict[str, dict[str, Any]] = {
    "fast": {},
    "finetune": {"detector": _LIGHT, "detector_training": {"start": _START, "epochs": 60}},
    # The same in two minutes on the small sample of survey frames that ships: `make run`.
    "brief": {
        "detector": _LIGHT,
        # At the usual rate so few steps only unlearn what the start knows.
        "detector_training": {"start": _START, "epochs": 3, "validate_every": 3, "lr": 1e-4},
        "segmenter_training": {"start": _START, "epochs": 3, "validate_every": 3, "lr": 1e-4},
        # Validation frames of the roads it trains on look easier than a road it has never seen: stricter on what is
        # missed there, laxer on what is boxed.
        "thresholds": {"target_error": 0.02, "target_precision": 0.8},
    },
    "accurate": {
        # The second sees every pixel by itself; pixels of its coarse mask are of the same size on the road.
        "detector": {"second": {"space_to_depth": 1, "levels": [4, 5], "anchor_sizes": [28, 64]}},
        "detector_training": {"start": _START, "epochs": 30},
        "second_training": {"start": _START, "epochs": 40},
        # A point more F1 on validation over five folds; `finetune` gained nothing (docs/ablations/segmenter.md).
        "segmenter_training": {"epochs": 120, "validate_every": 6},
        "detector_tta": True,
        "segmenter_tta": True,
        "crops": {"halo": 8},
        "thresholds": {"target_error": 0.004},
    },
    # Carr et al. 2018, section IV: ResNet-50, FPN P3–P7, areas 32² to 512², 50 epochs, batch 1, threshold 0.5.
    "paper": {
        "labels": {"method": "component", "padding": 0, "close_gap": 0},
        "detector": {
            "backbone": "resnet50",
            "weights": "none",
            "space_to_depth": 1,
            "levels": [3, 4, 5, 6, 7],
            "fpn_channels": 256,
            "head_convs": 4,
            "head_norm": "none",
            "anchor_sizes": [32, 64, 128, 256, 512],
            "box_loss": "l1",
            "coarse_mask": False,
        },
        "detector_augment": "flip",
        "detector_training": {"epochs": 50, "batch": 1, "lr": 1e-4, "ema": 0},
        "segmenter": {"encoder": "resnet34", "weights": "none", "decoder_channels": [256, 128, 64, 32, 16]},
        "crops": {"halo": 8},
        "thresholds": {"score": 0.5},
    },
    # `crack-survey run` alone has to finish within ten minutes on two cores. Trained so briefly the detector is unsure
    # of faint cracks: to spare pixels at all, it may miss more of them than on real photographs.
    "sample": {
        "dataset": {"sample_count": 96},
        "detector_training": {"epochs": 24},
        "segmenter_training": {"epochs": 12, "batch": 4},
        "thresholds": {"target_error": 0.1},
    },
    "smoke": {
        "dataset": {"sample_count": 12},
        # After two epochs no detection is sure enough to draw boxes in it.
        "detector": {
            "backbone": "resnet18",
            "weights": "none",
            "deepest": 4,
            "levels": [3, 4],
            "anchor_sizes": [12, 32],
            "fpn_channels": 32,
            "head_convs": 1,
            "coarse_mask": False,
        },
        "detector_training": {"epochs": 2, "batch": 4},
        "segmenter": {"encoder": "resnet18", "weights": "none", "decoder_channels": [64, 32, 16, 8]},
        "segmenter_training": {"epochs": 2, "batch": 4},
        "figures": 2,
    },
}
