"""What is shown leaves the text no more broken than it was."""

from __future__ import annotations

import pytest

from fim_lsp.domain import Snapshot, Suggestion
from fim_lsp.filters import keep_valid
from fim_lsp.languages import LANGUAGES, SyntaxTree

DROPPED = "∅"


def shown(picture: str, said: str, finish: str = "stop", language: str = "python") -> str:
    before, _, after = picture.partition("║")
    snap = Snapshot("u", 0, language, before + after, len(before))
    kept = keep_valid.apply(Suggestion((said,), finish=finish), snap, SyntaxTree.parse(snap.text, LANGUAGES[language]))
    return DROPPED if kept is None else kept.text


@pytest.mark.parametrize(
    ("picture", "said", "kept"),
    [
        ("x = ║\n", "f(a, b)", "f(a, b)"),
        ("x = ║\n", "f(a, b))", "f(a, b)"),  # a stray bracket goes
        ("x = ║\n", "f(a, g(b", "f(a, g(b))"),  # what the suggestion opened is closed
        ("f(║)\n", "a, g(b", "a, g(b)"),
        ("f(║)\n", 'a, "b', 'a, "b"'),
        ("x = ║\n", "f(", "f("),  # its arguments are yet to come
        ("x = ║\ny = 2\n", "[f(a,", "[f(a,"),
        ("x = ║\ny = 2\n", "1 +* 2", "1"),
        ("║\n", "if ready:", "if ready:"),  # its block is yet to come
        ("║\n", "try:", "try:"),
        ("║\n", "for name in", "for name in"),
        ("║\n", "def area(w, h)", "def area(w, h)"),
        ("║\n", "@property", "@property"),
        ("def f():\n    ║\n", '"""Return nothing.', '"""Return nothing."""'),
        ("def f():\n    ║\n\ng()\n", "a = 1\n    b = (2\n    return a", "a = 1"),  # cut at a line
        ("def f():\n    ║\n", "return 1\n  else:", "return 1"),
        ("║\n", ")))", DROPPED),
        ("║\n", '"', DROPPED),
        ("x = 'a ║ b'\n", "word", "word"),
        ("x = 'a║'\n", "b' + y + 'c", "b' + y + 'c"),
        ("# a ║\n", "note (see below", "note (see below"),
        ("x = f(a,\n      ║\n", "b)", "b)"),
        ("x = f(a,\n      ║\n", "b, c", "b, c"),  # broken before, and a name would leave it so: no worse is enough
        ("import ║\n", "os, sys", "os, sys"),
        ("from os ║\n", "import path", "import path"),
    ],
)
def test_a_suggestion_adds_no_syntax_error(picture, said, kept):
    assert shown(picture, said) == kept


def test_a_mere_beginning_is_cut_and_never_closed():
    assert shown("f(║)\n", 'a, "b', finish="unsure") == "a,"


@pytest.mark.parametrize(
    ("language", "picture", "begun"),
    [
        ("python", "║\n", "total +="),
        ("go", "func f() {\n\t║\n}\n", "base :="),
        ("rust", "║\nuse std::fmt;\n", "use std::"),
        ("rust", "fn f() {\n    ║\n}\n", "let a ="),
        ("java", "class A {\n    void f() {\n        ║\n    }\n}\n", "int a ="),
        ("c", "int f(void) {\n    ║\n}\n", "p->q ="),
    ],
)
def test_a_mere_beginning_may_leave_an_expression_to_be_said(language, picture, begun):
    assert shown(picture, begun, "unsure", language) == begun


def test_an_operator_is_never_halved():
    assert shown("func f() {\n\t║\n}\n", "base := ]", language="go") == "base"


def test_a_long_text_is_given_to_the_parser_a_bounded_number_of_times(monkeypatch):
    parsed = []
    monkeypatch.setattr(keep_valid._Parser, "fewest", lambda *more: parsed.append(more) or 9)
    assert shown("x = ║\n", "\n".join(f"line({n}" for n in range(500))) == DROPPED
    assert len(parsed) == keep_valid.TRIES + 1
