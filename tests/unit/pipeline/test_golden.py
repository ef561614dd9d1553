"""The whole pipeline on drawn cases, with a backend that says what the case says."""

from __future__ import annotations

from pathlib import Path

import pytest

from fim_lsp.backends.fake import FakeBackend
from fim_lsp.domain import Cancel
from fim_lsp.pipeline.completer import Completer
from fim_lsp.settings import Config
from tests.picture import draw, shown

FILE = Path(__file__).resolve().parents[2] / "golden/pipeline.txt"


def cases(file: Path = FILE):
    for block in file.read_text(encoding="utf-8").split("=== ")[1:]:
        name, _, body = block.rstrip("\n").partition("\n")
        document, said_and_shown = body.split("\n>>>")
        said, _, expected = said_and_shown.partition("\n")
        yield pytest.param(document + "\n", said.replace("\\n", "\n"), expected, id=name)


@pytest.mark.parametrize(("document", "said", "expected"), list(cases()))
@pytest.mark.parametrize("step", [1, 4, 1000])
def test_what_is_shown(document, said, expected, step):
    snap = draw(document)
    completer = Completer(Config(), lambda family, model: FakeBackend(said, step_chars=step))
    outcome = completer.complete(snap, Cancel())
    suggestion = outcome.suggestions[0] if outcome.suggestions else None
    assert shown(snap, suggestion).rstrip("\n") == expected.rstrip("\n"), outcome.reason


@pytest.mark.parametrize(("document", "said", "expected"), list(cases()))
def test_crlf_documents_show_the_same(document, said, expected):
    snap = draw(document.replace("\n", "\r\n"))
    completer = Completer(Config(), lambda family, model: FakeBackend(said))
    outcome = completer.complete(snap, Cancel())
    suggestion = outcome.suggestions[0] if outcome.suggestions else None
    assert shown(snap, suggestion).replace("\r\n", "\n").rstrip("\n") == expected.rstrip("\n"), outcome.reason


def test_decoding_stops_with_the_rule_that_cut():
    backend = FakeBackend("a + b\n" + "c" * 100, step_chars=1)
    Completer(Config(), lambda family, model: backend).complete(draw("x = ║\n"), Cancel())
    assert backend.steps == len("a + b\n")
