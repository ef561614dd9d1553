"""What is shown adds no syntax error, whatever the language."""

from __future__ import annotations

import pytest

from tests.picture import show


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
