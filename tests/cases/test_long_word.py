"""One very long word in a line: what it costs grows as it does, on every way that a request takes."""

from __future__ import annotations

import json

import pytest
from lsprotocol.types import Command

from fim_lsp.backends.fake import FakeBackend
from fim_lsp.domain import Cancel, Outcome, Snapshot, Suggestion
from fim_lsp.filters import FILTERS, keep_valid
from fim_lsp.languages import LANGUAGES, SyntaxTree, Trees, describe, get
from fim_lsp.lsp.documents import Document
from fim_lsp.lsp.menu import Indent, items
from fim_lsp.pipeline import eligibility, word_fallback
from fim_lsp.pipeline.completer import Completer
from fim_lsp.pipeline.stops import RULES
from fim_lsp.settings import Config
from tests.client import FULL, Client, where
from tests.linear import assert_linear

CHARS = 50_000
TAKEN = Command("accepted", "fimLsp.accepted")
PATIENT = {"deadlineMs": 60_000}
PLACES = {
    "the word is typed": "x = {}║\n",
    "a string is typed": "x = '{}║'\n",
    "an open string is typed": "x = '{}║\n",
    "a comment is typed": "x = 1  # {}║\n",
    "a digit and a dot before the cursor": "x = 0{}.║\n",
    "the word is above": "x = '{}'\ny = ║\n",
    "the word is below": "y = ║\nx = '{}'\n",
    "the word is on the right": "y = ║ + {}\n",
    "brackets are on the right": "y = f(║) + g[{}]\n",
}


def place(picture: str, chars: int, language: str = "python") -> Snapshot:
    before, _, after = picture.format("f0" * (chars // 2)).partition("║")
    return Snapshot("file:///w/a.py", 1, language, before + after, len(before))


@pytest.mark.parametrize("picture", PLACES.values(), ids=PLACES)
def test_a_request_costs_as_much_more_as_the_word_is_longer(picture):
    def ask(chars: int) -> None:
        completer = Completer(Config(), lambda family, model: FakeBackend("f(a, b", step_chars=6))
        completer.complete(place(picture, chars), Cancel())

    assert_linear(ask, CHARS)


@pytest.mark.parametrize("language", ["go", "javascript", "ruby", "bash", ""])
def test_so_it_does_in_other_languages(language):
    def ask(chars: int) -> None:
        config = Config(languages=(language,))
        completer = Completer(config, lambda family, model: FakeBackend("f(a)", step_chars=4))
        completer.complete(place("x = '{}║'\n", chars, language), Cancel())

    assert_linear(ask, CHARS)


@pytest.mark.parametrize("said", ["f0" * 1000, "f" * 2000, "f0" * 1000 + ";", "f, " * 700 + "g"])
def test_filters_and_stops_read_a_long_text_once(said):
    """A text that is twice as long is four times the work of a pair of nested loops."""
    snap = place("x = ║\n", 0)
    syntax = Trees().tree(snap, LANGUAGES["python"])
    site = describe(snap, syntax)
    limits = eligibility.limits(snap, Config(), site)

    def read(text: str) -> None:
        for rule in RULES:
            rule(text, snap, limits, site)
        for name, step in FILTERS:
            if name != "keep_valid":
                step(Suggestion((text,), finish="length"), snap, syntax)

    assert_linear(lambda times: read(said * times), 1)


@pytest.mark.parametrize("tail", [".", " = ", "", "é"])
def test_a_menu_finds_the_word_before_the_cursor_in_one_step_a_character(tail):
    def entries(chars: int) -> None:
        snap = place("x = {}" + tail + "║\n", chars)
        items(Outcome((Suggestion(("a",)),)), Document("u", "python", 1, snap.text), snap, Indent.KEPT, [TAKEN])

    assert_linear(entries, CHARS)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_a_position_is_found_in_one_step_a_line(encoding):
    def find(chars: int) -> None:
        document = Document("u", "python", 1, "é" * chars, encoding)
        for at in range(0, chars, chars // 50):
            assert document.offset(document.position(at)) == at

    assert_linear(find, CHARS)


def test_a_word_that_nobody_would_complete_is_looked_for_nowhere():
    snap = place("x = {0} + {0}1\ny = {0}║\n", 1000)
    assert word_fallback.rest(snap) is None


def test_a_huge_line_is_given_to_the_parser_seldom(monkeypatch):
    parsed = []
    parse = SyntaxTree.parse.__func__
    snap = place("x = {} + ║ +\n", 1_000_000)
    syntax = SyntaxTree.parse(snap.text, get("python"))
    monkeypatch.setattr(SyntaxTree, "parse", classmethod(lambda *more: parsed.append(1) or parse(*more)))
    assert keep_valid.apply(Suggestion(("a)" * 20,)), snap, syntax) is None
    assert len(parsed) <= 2


def test_the_suffix_is_not_read_at_every_step():
    snap, same = (place("def f():\n    ║\n\n\nx = '{}'\n", 1000) for _ in range(2))
    site = describe(same, Trees().tree(same, LANGUAGES["python"]))
    limits = eligibility.limits(snap, Config(), site)
    assert limits.multiline
    for rule in RULES:
        rule("x = 1\n    y = 2\n    z", snap, limits, site)
    assert "suffix" not in vars(snap)


@pytest.mark.parametrize("chars", [200_000, 900_000])
def test_the_server_answers_beside_it(chars, tmp_path):
    text = "y = \nx = '" + "f0" * (chars // 2) + "'\n"
    with Client.fake(tmp_path, "--texts", json.dumps(["f(a)"])) as client:
        client.start({**FULL, "textDocument": {"completion": {}}}, initializationOptions=PATIENT)
        client.until_ready()
        client.open(text)
        assert client.request("textDocument/completion", where(0, 4))["result"]["items"][0]["label"] == "f(a)"
        assert client.inline(0, 4)[0]["insertText"] == "f(a)"
        for kind, at in (("a string's end", chars + 5), ("its line's end", chars + 6)):
            client.type(1, at, "0")
            assert "result" in client.request("textDocument/completion", where(1, at + 1)), kind
            assert "result" in client.wait(client.ask_inline(1, at + 1)), kind
        client.check_clean()
