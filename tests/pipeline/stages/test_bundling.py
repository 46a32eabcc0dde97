"""What a card says of the data behind its weights."""

from types import SimpleNamespace

import pytest

import pipeline.stages.bundling
from pipeline.settings import make_settings
from pipeline.stages.bundling import _licence, _sources


@pytest.mark.parametrize(
    ("earlier", "told"),
    [
        ([], "a: MIT; b: CC BY 4.0"),
        (["a: MIT; b: CC BY 4.0"], "a: MIT; b: CC BY 4.0; learnt from old"),
        (["a: MIT", "c: own"], "a: MIT; b: CC BY 4.0; learnt from old; c: own"),
        (["a: MIT; started from old"], "a: MIT; b: CC BY 4.0; learnt from old"),
        (["a: MIT; c: own"], "a: MIT; b: CC BY 4.0; learnt from old; c: own"),
        (
            ["c: own; a: MIT; started from older: c: own; d: none; started from oldest: a: MIT"],
            "a: MIT; b: CC BY 4.0; learnt from old; c: own; d: none",
        ),
        (
            ["c: own; learnt from older: learnt from oldest: d: none"],
            "a: MIT; b: CC BY 4.0; learnt from old; c: own; d: none",
        ),
    ],
)
def test_the_terms_of_an_earlier_bundle_are_told_once(monkeypatch, earlier, told):
    cards = [SimpleNamespace(name="old", training_data_licence=licence) for licence in earlier]
    monkeypatch.setattr(pipeline.stages.bundling, "starts_of", lambda settings: cards)
    assert _licence(make_settings("fast"), "a: MIT; b: CC BY 4.0") == told


def test_whom_an_earlier_bundle_names_is_named_on(monkeypatch):
    cards = [SimpleNamespace(sources=("a: Ann (CC BY 4.0)", "b: Bo (MIT)")), SimpleNamespace(sources=("c: Cy (MIT)",))]
    monkeypatch.setattr(pipeline.stages.bundling, "starts_of", lambda settings: cards)
    told = _sources(make_settings("fast"), ["own: me (mine)", "b: Bo (MIT)"])
    assert told == ("own: me (mine)", "b: Bo (MIT)", "a: Ann (CC BY 4.0)", "c: Cy (MIT)")
