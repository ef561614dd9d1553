"""The whole pipeline in every language, on drawn cases."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fim_lsp.backends.fake import FakeBackend
from fim_lsp.domain import Cancel
from fim_lsp.languages import LANGUAGES
from fim_lsp.pipeline.completer import Completer
from fim_lsp.settings import Config
from tests.picture import draw, shown
from tests.unit.pipeline.test_golden import cases

FOLDER = Path(__file__).resolve().parents[2] / "golden/languages"
DRAWN = [
    pytest.param(path.stem, *case.values, id=f"{path.stem}: {case.id}")
    for path in sorted(FOLDER.glob("*.txt"))
    for case in cases(path)
]


PLACES = ("the rest of a line", "bracket stands", "block", "comment", "string", "that the editor closed")


def test_every_language_is_drawn_at_every_kind_of_place():
    names: dict[str, str] = {}
    for drawn in DRAWN:
        language, _, name = drawn.id.partition(": ")
        names[language] = f"{names.get(language, '')}; {name}"
    assert names.keys() == LANGUAGES.keys()
    assert [(language, place) for language in names for place in PLACES if place not in names[language]] == []


@pytest.mark.parametrize(("language", "document", "said", "expected"), DRAWN)
@pytest.mark.parametrize("step", [1, 4, 1000])
@pytest.mark.parametrize("eol", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_what_is_shown(language, document, said, expected, step, eol):
    snap = draw(document.replace("\n", eol), language=language)
    completer = Completer(Config(), lambda family, model: FakeBackend(said, step_chars=step))
    outcome = completer.complete(snap, Cancel())
    suggestion = outcome.suggestions[0] if outcome.suggestions else None
    assert shown(snap, suggestion).replace("\r\n", "\n").rstrip("\n") == expected.rstrip("\n"), outcome


@pytest.mark.parametrize(("document", "said", "expected"), list(cases(FOLDER / "sql.txt")))
def test_what_is_shown_without_the_grammar_that_an_extra_brings(document, said, expected, monkeypatch):
    monkeypatch.setitem(LANGUAGES, "sql", replace(LANGUAGES["sql"], grammar="tree_sitter_nowhere"))
    snap = draw(document, language="sql")
    outcome = Completer(Config(), lambda family, model: FakeBackend(said)).complete(snap, Cancel())
    assert shown(snap, outcome.suggestions[0] if outcome.suggestions else None).strip() == expected.strip()
