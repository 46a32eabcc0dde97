"""All that ``crack-survey bench`` prints, as one dictionary."""

from __future__ import annotations

import math
import os
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from models.bundle import load_bundle
from pipeline.bench.arithmetic import cascade_multiply_adds
from pipeline.bench.batch import as_jpeg, cascade_batch, forward_alone, full_frame_batch, resized, stages
from pipeline.bench.gpu import gpu_figures
from pipeline.bench.memory import peak_mb
from pipeline.bench.rivals import torchvision_retinanet, unet_resnet34
from pipeline.bench.timing import interleave, interval, ratio
from pipeline.cascade.cascade import Cascade
from pipeline.datasets.base import Sample
from pipeline.metrics import SegmentationCounts, segmentation_counts
from pipeline.training.loop import Report

SIZES = ((240, 320), (320, 480), (640, 1024), (1536, 2048), (3072, 4096))  # (H, W) px
COUNTS = (1, 8, 32, 128)
CPU = torch.device("cpu")
RIVAL_ROUNDS = 5  # a rival takes seconds, and its ratio is large

Told = Callable[[int, int], None]  # (rounds done, rounds in all)


def bench(
    bundle: Path, samples: Sequence[Sample], rounds: int, report: Report, device: torch.device = CPU
) -> dict[str, Any]:
    """Measure a bundle on samples.

    Args:
        bundle: folder of the trained cascade.
        samples: pictures with truth, as a batch of JPEG files.
        rounds: of cascade against full frame.
        report: told of progress.
        device: what the networks run on; of a GPU there are figures of its own under ``gpu``.

    Raises:
        models.errors.UserError: the bundle cannot be loaded.
    """
    cores = len(os.sched_getaffinity(0))
    torch.set_num_threads(cores)
    cascade = Cascade.load(bundle, device, streams=cores)
    alone = Cascade.load(bundle, device)
    files = [as_jpeg(sample.image) for sample in samples]

    def told(stage: str) -> Told:
        return lambda done, total: report(done, total, f"{stage} {done}/{total}" if done == total else "")

    return {
        "pictures": len(samples),
        "size_px": list(samples[0].mask.shape),
        "rounds": rounds,
        "machine": {"processor": _processor(), "cores": cores, "system": platform.platform()},
        "runtime": cascade.runtime.name,
        "precision": cascade.runtime.precision,
        **_both_ways(cascade, files, cores, rounds, told("cascade and full frame")),
        **quality(cascade, samples),
        **_overlap(cascade, alone, files, cores, rounds, told("overlap")),
        **_rivals(bundle, device, samples, told("rivals")),
        **_memory(bundle, cores, device),
        **_counted(bundle, cascade, samples),
        "by_size": _by_size(Cascade.load(bundle, device, streams=cores), samples, cores, told("sizes")),
        "by_count": _by_count(cascade, files, cores),
        **({"gpu": gpu_figures(alone, [sample.image for sample in samples])} if device.type == "cuda" else {}),
    }


def _both_ways(cascade: Cascade, files: Sequence[bytes], cores: int, rounds: int, told: Told) -> dict[str, float]:
    """The batch through the cascade and through its own U-Net on full frames, in turn."""
    both = {
        "cascade": lambda: cascade_batch(cascade, files, cores),
        "full_frame": lambda: full_frame_batch(cascade, files, cores),
    }
    seconds = interleave(both, rounds, told)
    low, high = interval(seconds["full_frame"], seconds["cascade"])
    return {
        "speedup_vs_own_full_frame": ratio(seconds["full_frame"], seconds["cascade"]),
        "speedup_vs_own_full_frame_low": low,
        "speedup_vs_own_full_frame_high": high,
        "cascade_ms": per_picture(seconds["cascade"], files),
        "full_frame_ms": per_picture(seconds["full_frame"], files),
    }


def _overlap(
    cascade: Cascade, alone: Cascade, files: Sequence[bytes], cores: int, rounds: int, told: Told
) -> dict[str, Any]:
    """Time of each stage, and the share of a batch's time that its forward passes alone would take."""
    stages(alone, files)  # warm up: the detector is compiled for each new batch
    per_stage, inputs = stages(alone, files)
    forward = {
        "batch": lambda: cascade_batch(cascade, files, cores),
        "forward": lambda: forward_alone(cascade, inputs, cores),
    }
    seconds = interleave(forward, max(10, rounds // 2), told)
    return {"stages_ms": per_stage, "overlap_efficiency": ratio(seconds["forward"], seconds["batch"])}


def _memory(bundle: Path, cores: int, device: torch.device) -> dict[str, float]:
    few, many = (peak_mb(bundle, count, cores, device) for count in (100, 1000))
    return {"peak_mb_100": few, "peak_mb_1000": many, "peak_rss_ratio": many / few}


def _counted(bundle: Path, cascade: Cascade, samples: Sequence[Sample]) -> dict[str, Any]:
    """The bundle's name, and what it multiplies and adds: no busy machine can move that."""
    detector, segmenter, card = load_bundle(bundle)
    plans = [result.crops for result in cascade.look([sample.image for sample in samples])]
    size = samples[0].mask.shape
    arithmetic = cascade_multiply_adds(detector, segmenter, card.segmenter.multiple, size, plans)
    return {"bundle": card.name, "multiply_adds": arithmetic}


def quality(cascade: Cascade, samples: Sequence[Sample]) -> dict[str, float]:
    """F1 at 2 px of both ways, mean over pictures; the loss is positive where the cascade is worse.

    All nan where no picture has a crack: whoever finds nothing there is not perfect.
    """
    if not any(sample.mask.any() for sample in samples):
        return dict.fromkeys(("f1_2px_mean", "full_frame_f1_2px_mean", "delta_f1_2px"), math.nan)
    f1s: dict[str, list[SegmentationCounts]] = {"cascade": [], "full_frame": []}
    for sample in samples:
        masks = {
            "cascade": cascade(sample.image).mask,
            "full_frame": cascade.stage2.full_frame([sample.image])[0] >= cascade.thresholds.full_frame,
        }
        for way, mask in masks.items():
            f1s[way].append(segmentation_counts(mask, sample.mask, 2, sample.ignore))
    mean = {way: sum(counts.f1 for counts in of_way) / len(of_way) for way, of_way in f1s.items()}
    return {
        "f1_2px_mean": mean["cascade"],
        "full_frame_f1_2px_mean": mean["full_frame"],
        "delta_f1_2px": mean["full_frame"] - mean["cascade"],
    }


def _rivals(bundle: Path, device: torch.device, samples: Sequence[Sample], told: Told) -> dict[str, float]:
    """One picture at a time, one caller with all cores: how a user of those networks would start."""
    cascade = Cascade.load(bundle, device)
    unet, retinanet = unet_resnet34(cascade.device), torchvision_retinanet(cascade.device)
    image = samples[0].image
    seconds = interleave(
        {
            "cascade": lambda: cascade(image),
            "detector": lambda: cascade.stage1.detect([image], cascade.thresholds.score),
            "unet_resnet34": lambda: unet(image),
            "retinanet": lambda: retinanet(image),
        },
        RIVAL_ROUNDS,
        told,
    )
    return {
        "speedup_vs_unet_resnet34": ratio(seconds["unet_resnet34"], seconds["cascade"]),
        "detector_speedup_vs_torchvision": ratio(seconds["retinanet"], seconds["detector"]),
        "single_cascade_ms": per_picture(seconds["cascade"], [samples[0]]),
        "single_detect_ms": per_picture(seconds["detector"], [samples[0]]),
        "unet_resnet34_ms": per_picture(seconds["unet_resnet34"], [samples[0]]),
        "torchvision_retinanet_ms": per_picture(seconds["retinanet"], [samples[0]]),
    }


def _by_size(cascade: Cascade, samples: Sequence[Sample], cores: int, told: Told) -> list[dict[str, Any]]:
    rows = []
    for done, (height, width) in enumerate(SIZES, start=1):
        count = max(2, min(8, 2_000_000 // (height * width)))
        chosen = [samples[index % len(samples)].image for index in range(count)]
        files = [as_jpeg(resized(image, height, width)) for image in chosen]
        both = {
            "cascade": lambda files=files: cascade_batch(cascade, files, cores),
            "full_frame": lambda files=files: full_frame_batch(cascade, files, cores),
        }
        seconds = interleave(both, 3, lambda _done, _total: None)
        rows.append(
            {
                "height_px": height,
                "width_px": width,
                "cascade_ms": per_picture(seconds["cascade"], files),
                "full_frame_ms": per_picture(seconds["full_frame"], files),
                "speedup": ratio(seconds["full_frame"], seconds["cascade"]),
            }
        )
        told(done, len(SIZES))
    return rows


def _by_count(cascade: Cascade, files: Sequence[bytes], cores: int) -> list[dict[str, Any]]:
    rows = []
    for count in COUNTS:
        many = [files[index % len(files)] for index in range(count)]
        began = time.perf_counter()
        cascade_batch(cascade, many, cores)
        rows.append({"pictures": count, "cascade_ms": (time.perf_counter() - began) * 1e3 / count})
    return rows


def per_picture(seconds: list[float], pictures: Sequence[object]) -> float:
    """Median over rounds, ms a picture."""
    return sorted(seconds)[len(seconds) // 2] * 1e3 / len(pictures)


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
