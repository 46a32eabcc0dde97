"""The cascade of a survey, loaded once a process, and only from the bundle that the survey began with."""

from __future__ import annotations

import threading
from pathlib import Path

import torch

from models.errors import BundleError
from pipeline.cascade.cascade import Cascade
from pipeline.survey.bundle_digest import bundle_digest
from pipeline.survey.decode import allow_pixels
from pipeline.survey.plan import Survey

_loaded: dict[tuple[str, str, str], Cascade] = {}
_loading = threading.Lock()


def loaded_cascade(survey: Survey, device: str, streams: int = 1) -> Cascade:
    """The survey's cascade, loaded once a process and device and shared by its threads, `streams` of them.

    Raises:
        BundleError: it is gone or not as it was when the survey began.
    """
    bundle = survey.plan.settings.bundle
    key = (str(bundle), survey.plan.bundle_sha256, device)
    with _loading:
        if key not in _loaded:
            check_bundle(bundle, survey.plan.bundle_sha256)
            _loaded.clear()
            threads = streams * torch.get_num_threads()  # each caller's share is PyTorch's (`flows.survey.chunk_task`)
            _loaded[key] = Cascade.load(bundle, device, streams=streams, threads=threads)
        allow_pixels(survey.plan.settings.max_pixels)
        return _loaded[key]


def check_bundle(bundle: Path, sha256: str) -> None:
    """Refuse a bundle that has changed since the survey began.

    Raises:
        BundleError: it has, or is gone.
    """
    if bundle_digest(bundle) != sha256:
        raise BundleError(
            f"{bundle} is not the bundle that the survey began with.", "Bring that one back, or use --abandon."
        )
