"""Places that are likely asked for next, drawn, and what is done about them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fim_lsp.backends.fake import FakeBackend
from fim_lsp.domain import Cancel, Snapshot, Suggestion
from fim_lsp.pipeline import look_ahead
from fim_lsp.pipeline.completer import Completer
from fim_lsp.settings import Config
from tests.picture import draw


def drawn(snap: Snapshot | None) -> str:
    return f"{snap.prefix}║{snap.suffix}" if snap else "∅"


@pytest.mark.parametrize(
    ("picture", "text", "replaces", "then"),
    [
        ("x = ║\ny\n", "a + b", 0, "x = a + b║\ny\n"),
        ("f(║)\n", "a, b):", 1, "f(a, b):║\n"),
        ("def f():\n    ║\n", "a\n    b", 0, "def f():\n    a\n    b║\n"),
    ],
)
def test_a_suggestion_is_accepted(picture, text, replaces, then):
    snap = look_ahead.accepted(draw(picture, manual=True), Suggestion((text,), replaces))
    assert drawn(snap) == then
    assert not snap.manual


def test_lines_break_as_the_document_breaks_them():
    snap = replace(draw("def f():\r\n    ║\r\n"), eol="\r\n")
    assert drawn(look_ahead.accepted(snap, Suggestion(("a\n    b",)))) == "def f():\r\n    a\r\n    b║\r\n"
    assert drawn(look_ahead.below(snap)) == "∅"


@pytest.mark.parametrize(
    ("picture", "then"),
    [("    x = 1║\ny\n", "    x = 1\n    ║\ny\n"), ("f(a║)\n", "∅"), ("x\n    ║\n", "∅"), ("x║", "x\n║")],
)
def test_the_line_below(picture, then):
    assert drawn(look_ahead.below(draw(picture))) == then


class Says(FakeBackend):
    """Answers by the end of what it is shown, and nothing where no rule says what."""

    def __init__(self, **rules: str):
        super().__init__("")
        self.rules = rules

    def generate(self, request, cancel, meter):
        self.texts = tuple(text for end, text in self.rules.items() if request.segments[0].rstrip().endswith(end))
        return super().generate(request, cancel, meter)


def test_what_is_asked_after_accepting_is_known():
    backend = Says(x="_1 + y", y=" + z")
    it = Completer(Config(), lambda family, model: backend)
    snap = draw("x║\n")
    shown = it.complete(snap, Cancel()).suggestions[0]
    place = look_ahead.accepted(snap, shown)
    assert it.look_up(place) is None
    look_ahead.answer(it, place, Cancel())
    assert it.look_up(place).suggestions[0].text == " + z"
    assert it.look_up(draw("x_1 + y +║\n")).suggestions[0].text == " z"
    assert it.look_up(draw("x_1║\n")).suggestions[0].text == " + y"
    assert len(backend.requests) == 2


def test_where_nothing_is_to_be_said_the_line_below_is():
    class Lines(Says):
        def generate(self, request, cancel, meter):
            self.texts = ("second()",) if request.segments[0].endswith("\n") else ()
            return FakeBackend.generate(self, request, cancel, meter)

    it = Completer(Config(), lambda family, model: Lines())
    place = draw("first()║\n")
    look_ahead.answer(it, place, Cancel())
    assert it.look_up(place).suggestions == ()
    assert it.look_up(draw("first()\n║\n")).suggestions[0].text == "second()"


def test_what_was_dropped_is_not_known():
    it = Completer(Config(), lambda family, model: FakeBackend("a"))
    cancel = Cancel()
    cancel.raise_for("a request came")
    assert look_ahead.answer(it, draw("x = ║\n"), cancel).reason == "a request came"
    assert it.look_up(draw("x = ║\n")) is None


def test_an_opened_document_is_parsed_and_no_model_is_asked():
    backend = FakeBackend("a")
    it = Completer(Config(), lambda family, model: backend)
    snap = draw("║x = 1\n")
    assert look_ahead.read(it, snap, Cancel()).reason == "parsed"
    assert snap.uri in it.trees.trees
    foreign = replace(snap, uri="file:///a.cob", language="cobol")
    look_ahead.read(it, foreign, Cancel())
    assert foreign.uri not in it.trees.trees
    assert not backend.requests


def test_warming_reads_and_says_nothing():
    backend = FakeBackend("a")
    it = Completer(Config(), lambda family, model: backend)
    assert look_ahead.warm(it, draw("x = ║\n"), Cancel()).reason.startswith("nothing is loaded")
    it.warm_up()
    steps, asked = backend.steps, len(backend.requests)
    assert look_ahead.warm(it, draw("x = ║\n"), Cancel()).reason == "read"
    assert (backend.steps, len(backend.requests)) == (steps, asked + 1)
    assert it.look_up(draw("x = ║\n")) is None


def test_who_keeps_nothing_is_not_warmed():
    backend = FakeBackend("a")
    backend.has_prefix_cache = False
    it = Completer(Config(backend="bert"), lambda family, model: backend)
    it.warm_up()
    asked = len(backend.requests)
    look_ahead.warm(it, draw("x = ║\n"), Cancel())
    assert len(backend.requests) == asked


def test_unloaded_models_are_loaded_again_when_wanted():
    made = []

    def create(family: str, model: str) -> FakeBackend:
        made.append(family)
        return FakeBackend("a")

    it = Completer(Config(), create)
    assert it.unload() is False
    it.warm_up()
    assert it.unload() is True
    assert it.complete(draw("x = ║\n"), Cancel()).suggestions
    assert made == ["gpt", "gpt"]


def test_other_keys_are_answered_beforehand():
    backend = FakeBackend("alpha", alternatives=("alike", "beta", "(a)"))
    it = Completer(Config(), lambda family, model: backend)
    snap = draw("x = ║\n")
    outcome = it.complete(snap, Cancel())
    look_ahead.ahead(it, snap, outcome, Cancel())
    assert it.look_up(snap).suggestions == outcome.suggestions
    assert it.look_up(draw("x = b║\n")).suggestions[0].text == "eta"
    assert it.look_up(draw("x = (║\n")).suggestions[0].text == "a)"
    assert it.look_up(draw("x = al║\n")).suggestions[0].text == "pha"  # what was shown comes first
    assert it.look_up(draw("x = z║\n")) is None
    assert it.look_up(draw("x = alpha║\n")).reason == ""  # and so is the place after accepting it


def test_alternatives_that_were_dropped_are_not_known():
    it = Completer(Config(), lambda family, model: FakeBackend("alpha", alternatives=("beta",)))
    snap, cancel = draw("x = ║\n"), Cancel()
    outcome = it.complete(snap, Cancel())
    cancel.raise_for("a request came")
    assert look_ahead.ahead(it, snap, outcome, cancel).reason == "a request came"
    assert it.look_up(draw("x = b║\n")) is None
