"""What people report about suggestions that do not fit: quotes, code on the right, the line below, broken syntax."""

from __future__ import annotations

import pytest

from fim_lsp.backends.fake import FakeBackend
from fim_lsp.domain import Cancel
from fim_lsp.languages import SyntaxTree, get
from fim_lsp.pipeline.completer import Completer
from fim_lsp.settings import Config
from tests.picture import draw, shown

NOTHING = "∅"


def show(document: str, said: str, language: str = "python") -> str:
    snap = draw(document, language=language)
    completer = Completer(Config(languages=(language,), words=False), lambda family, model: FakeBackend(said))
    outcome = completer.complete(snap, Cancel())
    return shown(snap, outcome.suggestions[0] if outcome.suggestions else None).rstrip("\n")


def accepted(picture: str) -> str:
    """Return the text after accepting what a picture shows."""
    return "".join(char for char in picture.partition("╠")[0] if char not in "├┤") + picture.partition("╣")[2]


@pytest.mark.parametrize(
    ("document", "said", "language"),
    [
        ('print(row["║"])\n', 'name"].strip()', "python"),
        ("print(f'{║}')\n", "name}' + x", "python"),
        ('def f():\n    """║"""\n', 'Return nothing."""', "python"),
        ("x = '║'\n", "a' 'b", "python"),
        ("const x = `${║}`;\n", "name}` + y", "javascript"),
        ('f(x["║"]);\n', 'name"].trim()', "typescript"),
    ],
)
def test_no_odd_quote_is_left_between_those_the_editor_closed(document, said, language):
    picture = show(document, said, language)
    text = document.replace("║", "") if picture == NOTHING else accepted(picture)
    assert not SyntaxTree.parse(text + "\n", get(language)).faults(), picture


@pytest.mark.parametrize(
    ("document", "said"),
    [("║x = 1\n", "y = 2"), ("    ║return a\n", "b = 1"), ("║import os\n", "import re"), ("f()║g()\n", "; h")],
)
def test_two_statements_are_not_run_together(document, said):
    assert show(document, said) == NOTHING


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("def f(y):\n    ║\n    return y\n", "return y"),
        ("while a:\n    ║\n    break\n", "break"),
        ("║\nimport re\n", "import re"),
        ("x = ║\nx = 1\n", "1"),
    ],
)
def test_the_line_below_is_not_said_again_however_short(document, said):
    assert show(document, said) == NOTHING


def test_a_closing_bracket_is_said_again_where_it_is_lacking():
    assert show("f(\n    g(\n        a\n║\n)\n", "    )") == "f(\n    g(\n        a\n├    )┤\n)"


@pytest.mark.parametrize(
    ("document", "said", "language", "kept"),
    [
        ("x = ║\n", "f(a))", "python", "x = ├f(a)┤"),
        ("x := ║\n", "f(a))", "go", "x := ├f(a)┤"),
        ("let x = ║;\n", "f(a, b", "javascript", "let x = ├f(a, b)┤;"),
        ("int x = ║;\n", "f(a) +/ 2", "c", "int x = ├f(a)┤;"),
        ("x = ║\n", "[1, 2", "ruby", "x = ├[1, 2]┤"),
    ],
)
def test_a_suggestion_adds_no_syntax_error_in_any_language(document, said, language, kept):
    assert show(document, said, language) == kept
