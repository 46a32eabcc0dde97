from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from models.errors import DataError
from pipeline.datasets.crackforest import CrackForest
from pipeline.datasets.fetch import ARCHIVE_URL, fetch_crackforest, pinned_registry

from .conftest import Maker


class Handler(SimpleHTTPRequestHandler):
    asked: list[str]

    def __init__(self, *args: object, asked: list[str], **kwargs: object) -> None:
        self.asked = asked
        super().__init__(*args, **kwargs)

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, *_: object) -> None:
        pass


class Upstream:
    """A tiny CrackForest behind a local server."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.asked: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(root), asked=self.asked))
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.registry = {
            p.relative_to(root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in root.glob("*/*")
        }
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def upstream(make_crackforest: Maker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstream]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("time.sleep", lambda _: None)  # pooch waits a second before it tries again
    upstream = Upstream(make_crackforest())
    yield upstream
    upstream.stop()


def fetch(upstream: Upstream, into: Path) -> Path:
    return fetch_crackforest(into, upstream.url, upstream.registry)


def files_in(root: Path) -> set[str]:
    return {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}


def test_everything_arrives_and_is_usable(upstream: Upstream, tmp_path: Path) -> None:
    into = fetch(upstream, tmp_path / "new" / "crackforest")
    assert files_in(into) == set(upstream.registry)
    assert CrackForest(into).fingerprint() == CrackForest(upstream.root).fingerprint()


def test_progress_goes_to_stderr(upstream: Upstream, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fetch(upstream, tmp_path / "into")
    out, err = capsys.readouterr()
    assert out == ""
    assert f"{len(upstream.registry)}/{len(upstream.registry)}" in err


def test_right_files_are_skipped_and_wrong_ones_replaced(upstream: Upstream, tmp_path: Path) -> None:
    into = fetch(upstream, tmp_path / "into")
    upstream.asked.clear()
    fetch(upstream, into)
    assert upstream.asked == []
    (into / "image" / "001.jpg").write_bytes(b"half a fi")
    (into / "groundTruth" / "002.mat").unlink()
    fetch(upstream, into)
    assert sorted(upstream.asked) == ["/groundTruth/002.mat", "/image/001.jpg"]
    assert CrackForest(into).fingerprint() == CrackForest(upstream.root).fingerprint()


def test_altered_file_is_refused_and_not_left_behind(upstream: Upstream, tmp_path: Path) -> None:
    (upstream.root / "image" / "002.jpg").write_bytes(b"something else")
    with pytest.raises(DataError, match=r"/image/002\.jpg does not have the SHA-256"):
        fetch(upstream, tmp_path / "into")
    left = files_in(tmp_path / "into")
    assert "image/002.jpg" not in left
    assert left <= set(upstream.registry)


def test_goes_on_after_a_failure(upstream: Upstream, tmp_path: Path) -> None:
    path = upstream.root / "image" / "002.jpg"
    right = path.read_bytes()
    path.unlink()
    with pytest.raises(DataError, match=r"002\.jpg cannot be downloaded: HTTP status 404"):
        fetch(upstream, tmp_path / "into")
    path.write_bytes(right)
    assert files_in(fetch(upstream, tmp_path / "into")) == set(upstream.registry)


def test_offline(upstream: Upstream, tmp_path: Path) -> None:
    upstream.stop()
    with pytest.raises(DataError) as error:
        fetch(upstream, tmp_path / "into")
    assert upstream.url in error.value.problem
    assert ARCHIVE_URL in error.value.remedy
    assert str(tmp_path / "into" / "image") in error.value.remedy
    assert files_in(tmp_path / "into") == set()


def test_into_a_file(upstream: Upstream, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match="is a file"):
        fetch(upstream, tmp_path / "file")
    with pytest.raises(DataError, match="cannot be written"):
        fetch(upstream, tmp_path / "file" / "below")


def test_pinned_registry_is_whole() -> None:
    registry = pinned_registry()
    assert sum(path.startswith("image/") for path in registry) == 155
    assert sum(path.startswith("groundTruth/") for path in registry) == 118
    assert all(len(digest) == 64 for digest in registry.values())


def test_pinned_registry_fits_the_real_files(datasets_root: Path) -> None:
    root = datasets_root / "crackforest"
    if not root.is_dir():
        pytest.skip(f"no {root}")
    for path, digest in pinned_registry().items():
        assert hashlib.sha256((root / path).read_bytes()).hexdigest() == digest, path
