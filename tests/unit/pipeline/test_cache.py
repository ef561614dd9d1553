"""What is known from before needs no model."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fim_lsp.backends.fake import FakeBackend
from fim_lsp.domain import Cancel, Outcome, Snapshot, Suggestion
from fim_lsp.pipeline.cache import Cache
from fim_lsp.pipeline.completer import Completer
from fim_lsp.settings import Config
from tests.picture import draw, shown


def completer(*texts: str) -> tuple[Completer, FakeBackend]:
    backend = FakeBackend(*texts)
    return Completer(Config(), lambda family, model: backend), backend


def typed(snap: Snapshot, text: str) -> Snapshot:
    return replace(
        snap, text=snap.prefix + text + snap.suffix, offset=snap.offset + len(text), version=snap.version + 1
    )


def test_typing_along_needs_no_model():
    it, backend = completer("alpha + beta")
    snap = draw("x = ║\ny = 2\n")
    it.complete(snap, Cancel())
    for n in range(len("alpha + bet") + 1):
        known = it.look_up(typed(snap, "alpha + beta"[:n]))
        assert known.suggestions[0].text == "alpha + beta"[n:]
    assert it.look_up(typed(snap, "alpha + beta")) is None
    assert it.look_up(typed(snap, "alp ")) is None
    assert len(backend.requests) == 1


def test_backspace_finds_the_suggestion_again():
    it, _ = completer("alpha")
    snap = draw("x = ║\n")
    it.complete(snap, Cancel())
    assert it.look_up(typed(snap, "al")).suggestions[0].text == "pha"
    assert it.look_up(typed(snap, "a")).suggestions[0].text == "lpha"


@pytest.mark.parametrize("other", ["x = ║\nz = 3\n", "w = ║\ny = 2\n", "x = ║ \ny = 2\n", "q\nx = ║\ny = 2\n"])
def test_the_key_covers_prefix_and_suffix(other):
    it, _ = completer("alpha")
    it.complete(draw("x = ║\ny = 2\n"), Cancel())
    assert it.look_up(draw(other)) is None
    assert it.look_up(draw("x = ║\ny = 2\n")) is not None


def test_a_line_of_a_block_can_be_typed_in_a_crlf_file():
    it, _ = completer("a = 1\n    b = 2")
    snap = draw("def f():\r\n    ║\r\n")
    it.complete(snap, Cancel())
    assert it.look_up(typed(snap, "a = 1\r\n    ")).suggestions[0].text == "b = 2"


def test_an_automatic_answer_does_not_serve_a_manual_request():
    it, _ = completer("alpha", "beta")
    it.complete(draw("x = ║\n"), Cancel())
    assert it.look_up(draw("x = ║\n", manual=True)) is None
    assert len(it.complete(draw("x = ║\n", manual=True), Cancel()).suggestions) == 2
    assert len(it.look_up(draw("x = ║\n")).suggestions) == 1


def test_a_cancelled_request_is_not_remembered():
    it, _ = completer("alpha")
    cancel = Cancel()
    cancel.raise_for("superseded")
    outcome = it.complete(draw("x = ║\n"), cancel)
    assert (outcome.suggestions, outcome.reason) == ((), "superseded")
    assert it.look_up(draw("x = ║\n")) is None


def test_the_cache_keeps_within_its_bounds():
    it, _ = completer("alpha")
    it.cache.most, it.cache.most_chars = 4, 100
    for n in range(10):
        it.complete(draw(f"x{n} = ║\n{'#' * 30}"), Cancel())
    assert len(it.cache.entries) <= 3


def known(it: Completer, picture: str) -> str:
    """Return the picture of what is known at a place without a model."""
    snap = draw(picture)
    outcome = it.look_up(snap)
    return shown(snap, outcome.suggestions[0]) if outcome and outcome.suggestions else "∅"


def test_a_bracket_that_the_editor_closes_is_typed_along():
    it, _ = completer("(name, [1])")
    it.complete(draw("print║\ny = 2\n"), Cancel())
    assert known(it, "print(║)\ny = 2\n") == "print(├name, [1])┤╠)╣\ny = 2\n"
    assert known(it, "print(name, [║])\ny = 2\n") == "print(name, [├1])┤╠])╣\ny = 2\n"
    assert known(it, "print(name, [1]║)\ny = 2\n") == "print(name, [1]├)┤╠)╣\ny = 2\n"
    assert known(it, "print(name, [1])║\ny = 2\n") == "∅"
    assert known(it, "print(name, [║)]\ny = 2\n") == "∅"
    assert known(it, "print(║x\ny = 2\n") == "∅"
    assert known(it, "print║)\ny = 2\n") == "∅"


def test_a_bracket_that_stands_there_is_typed_over():
    it, _ = completer("a, b):")
    it.complete(draw("def f(║)\n"), Cancel())
    assert known(it, "def f(a, ║)\n") == "def f(a, ├b):┤╠)╣\n"
    assert known(it, "def f(a, b)║\n") == "def f(a, b)├:┤\n"
    assert known(it, "def f(a, b║\n") == "def f(a, b├):┤\n"


def test_what_else_might_be_typed_is_known_but_not_shown():
    it, snap = Cache(), draw("x = ║\n")
    shown = Suggestion(("alpha",), confidence=0.9)
    it.remember(snap, Outcome((shown,)), (Suggestion(("self.width",)), Suggestion(("beta",))))
    assert [s.text for s in it.find(snap).suggestions] == ["alpha"]
    assert [s.text for s in it.find(typed(snap, "s")).suggestions] == ["elf.width"]
    assert [s.text for s in it.find(typed(snap, "be")).suggestions] == ["ta"]
    assert [s.text for s in it.find(typed(snap, "al")).suggestions] == ["pha"]
    assert it.find(typed(snap, "x")) is None
