"""Lists with what spreadsheets, databases and web servers put into them: nothing is lost without a word."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.errors import DataError
from pipeline.survey.listing.photographs import Refused
from pipeline.survey.listing.sources import open_source
from pipeline.survey.process import read_picture
from pipeline.survey.settings import SurveySettings
from tests.pipeline.survey.conftest import make_photographs
from tests.pipeline.survey.listing.test_lists import listed, source_of


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files, and shows no folder."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def list_directory(self, path: object) -> None:
        """Refuse."""
        self.send_error(403)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """Address of a server with one photograph, ``p000.jpg``."""
    folder = make_photographs(tmp_path / "web", 1)
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_hash_sign_begins_a_comment_unless_a_file_has_that_name(tmp_path: Path) -> None:
    (tmp_path / "#2.jpg").write_bytes(b"")
    (tmp_path / "list.txt").write_text('# by day\n1.jpg\n#2.jpg\n  #3.jpg was blurred\n"#4.jpg"\n')
    source = open_source(SurveySettings(photos=str(tmp_path / "list.txt"), bundle=tmp_path / "b", out=tmp_path / "out"))
    assert [photograph.name for photograph in source.photographs()] == ["1.jpg", "#2.jpg", "#4.jpg"]
    assert source.passed_over == {"comments (#)": 2}
    (tmp_path / "list.txt").write_text("# nothing else\n")
    with pytest.raises(DataError, match="lists no photograph"):
        list(source.photographs())


def test_addresses_in_a_list_of_a_plain_folder_are_read(tmp_path: Path, web: str) -> None:
    near = make_photographs(tmp_path / "near", 2)
    lines = [f"{web}/p000.jpg", f"{web}/gone.jpg", "near/p000.jpg", f"file://{near}/p001.jpg", "nosuch://host/1.jpg"]
    (tmp_path / "list.txt").write_text("\n".join(lines))
    source = source_of(tmp_path / "list.txt", allow_outside=True)
    pictures = [read_picture(photograph, source.store, 10**6) for photograph in source.photographs()]
    kinds = [picture.failure.kind if picture.failure else picture.photograph.name for picture in pictures]
    # A file that a server does not have ends nothing, though the server shows no folder.
    assert kinds == [f"{web}/p000.jpg", "never found", "near/p000.jpg", "near/p001.jpg", "unreadable"]
    assert source.store.address(pictures[0].photograph.name) == f"{web}/p000.jpg"


def test_an_address_that_leads_away_from_a_server_is_read_from_where_it_leads(tmp_path: Path, web: str) -> None:
    (tmp_path / "web" / "list.txt").write_text(f"p000.jpg\nmemory://nowhere/1.jpg\n{web}/p000.jpg\n")
    settings = SurveySettings(photos=f"{web}/list.txt", bundle=tmp_path / "b", out=tmp_path / "o", allow_outside=True)
    source = open_source(settings)
    first, away, again = source.photographs()
    assert first.stamp
    assert again.failure is not None
    assert again.failure.kind == "duplicate"
    with pytest.raises(Refused):
        source.store.read(away.name, 10**6)


@pytest.mark.parametrize(
    "content",
    [
        'path,lane\n1.jpg,1\n"2.jpg,1\n3.jpg,1\n4.jpg,1\n',  # never closed
        'path,lane\n1.jpg,1\n"2.jpg,1\n3.jpg,1\n"4.jpg,1\n',  # closed by the next
        'path,lane\n1.jpg,1\n"2.jpg,1\n3.jpg,1\n4.jpg",1\n',
        'path,lane\n1.jpg,1\n2.jpg,"1\n3.jpg,1\n4.jpg,1\n',
        'path\n1.jpg\n"2.jpg\n3.jpg\n',
    ],
)
def test_a_quote_that_would_swallow_photographs_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(DataError, match="after line 2") as told:
        listed(tmp_path, content)
    assert "quote" in told.value.remedy


def test_a_quoted_note_may_have_several_lines(tmp_path: Path) -> None:
    found = listed(tmp_path, 'path,note\n1.jpg,"wet\nroad, ""A7"""\n2.jpg,dry\n')
    assert [photograph.name for photograph in found] == ["1.jpg", "2.jpg"]


@pytest.mark.parametrize("nothing", ["", "NULL", "None", "nan", "N/A", "\\N", "-"])
def test_words_for_nothing_tell_nothing(tmp_path: Path, nothing: str) -> None:
    (found,) = listed(tmp_path, f"path,lat,lon,time,chainage,lane\n1.jpg,{nothing},{nothing},{nothing},{nothing},NA\n")
    assert found.failure is None
    assert (found.latitude_deg, found.longitude_deg, found.taken_at, found.chainage_m) == (None,) * 4
    assert found.lane == "NA"  # a name may be anything


def test_a_receiver_without_a_fix_tells_no_position(tmp_path: Path) -> None:
    found = listed(tmp_path, "path,lat,lon\n1.jpg,0,0.0\n2.jpg,0,9.1\n")
    assert [(photograph.latitude_deg, photograph.longitude_deg) for photograph in found] == [(None, None), (0, 9.1)]


def test_text_that_is_not_utf8_is_told_of(tmp_path: Path) -> None:
    bad, good = listed(
        tmp_path, "path,route\n1.jpg,Stra\xdfe\n2.jpg,A\xa07\n".encode("latin-1").replace(b"\xa0", b"\xc2\xa0")
    )
    assert bad.failure is not None
    assert (bad.failure.kind, "UTF-8" in bad.failure.message) == ("bad line", True)
    assert good.route_id == "A\xa07"
    with pytest.raises(DataError, match="not UTF-8"):
        listed(tmp_path, "path,L\xe4ngengrad\n1.jpg,9\n".encode("latin-1"))
