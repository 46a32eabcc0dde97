"""Peak memory of a batch, in a process of its own: ``python -m pipeline.bench.memory BUNDLE COUNT STREAMS DEVICE``."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import torch

from models.errors import UserError
from pipeline.bench.batch import MOST_PIXELS, as_jpeg
from pipeline.cascade.cascade import Cascade
from pipeline.datasets.generated.sample import GeneratedSample
from pipeline.survey.ahead import work_ahead
from pipeline.survey.decode import decode
from pipeline.survey.listing.photographs import Photograph
from pipeline.survey.process import Picture, process_pictures


def peak_mb(bundle: Path, count: int, streams: int, device: torch.device) -> float:
    """Most memory that a process holds while it surveys `count` pictures, MB.

    Raises:
        UserError: the process failed.
    """
    command = [sys.executable, "-m", "pipeline.bench.memory", str(bundle), str(count), str(streams), str(device)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(
            f"The process that measures memory failed: {done.stderr.strip().splitlines()[-1:]}",
            "Free some memory and try again.",
        )
    return float(done.stdout)


def _survey(bundle: Path, count: int, streams: int, device: str) -> int:
    cascade = Cascade.load(bundle, device, streams=streams)
    dataset = GeneratedSample(8, 0)
    files = [as_jpeg(dataset.load(name).image) for name in dataset.names]

    def pictures() -> Iterator[Picture]:
        return work_ahead(range(count), lambda number: _picture(files[number % len(files)]))

    return sum(len(batch) for batch in process_pictures(cascade, pictures()))


def _picture(content: bytes) -> Picture:
    return Picture(Photograph("p"), decode(content, MOST_PIXELS).image, None, None, 0.0)


if __name__ == "__main__":
    _survey(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
