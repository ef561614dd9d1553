"""Code right of the cursor: no two statements on a line, and a reason where nothing can be right."""

from __future__ import annotations

import pytest

from tests.picture import NOTHING, ask, draw, show


@pytest.mark.parametrize(
    ("document", "said", "language"),
    [
        ("║x = 1\n", "y = 2", "python"),
        ("    ║return a\n", "b = 1", "python"),
        ("║import os\n", "import re", "python"),
        ("f()║g()\n", "; h", "python"),
        ("║x = 1\n", "y = 2; ", "python"),
        ("x = ║y + 1\n", "f(a)", "python"),
        ("║const a = 1;\n", "let b = 2;", "javascript"),
        ("function f() {\n  ║return 1;\n}\n", "g();", "typescript"),
        ("func f() {\n\t║x := 1\n}\n", "y := 2", "go"),
        ("fn f() {\n    ║g();\n}\n", "let a = 1;", "rust"),
        ("int f() {\n    ║return 1;\n}\n", "int x = 2;", "c"),
        ("<?php\n║$x = 1;\n", "$y = 2;", "php"),
        ("  ║puts a\n", "b = 1", "ruby"),
        ("║local x = 1\n", "local y = 2", "lua"),
        ("║echo a\n", "b=1", "bash"),
    ],
)
def test_two_statements_are_not_run_together(document, said, language):
    assert show(document, said, language) == NOTHING


@pytest.mark.parametrize(
    ("document", "said"), [("foo(║)bar\n", "a"), ("foo(║)bar\n", "y = 2"), ("x = [║]y\n", "1"), ("x = '║'y\n", "a")]
)
def test_where_nothing_can_be_right_the_reason_is_told(document, said):
    outcome = ask(draw(document), said)
    assert (outcome.suggestions, outcome.reason) == ((), "filter keep_apart")


@pytest.mark.parametrize(
    ("document", "said", "language", "kept"),
    [
        ("f(║) + 1\n", "a); g(", "python", "f(├a┤) + 1"),
        ("s = f'{║}abc'\n", "a", "python", "s = f'{├a┤}abc'"),
        ("def g(:\n    s = f'{║}abc'\n", "a", "python", "def g(:\n    s = f'{├a┤}abc'"),
        ("x = (║)y;\n", "int", "c", "x = (├int┤)y;"),
        ("for (║i < n; i++) f();\n", "let i = 0;", "javascript", "for (├let i = 0;┤i < n; i++) f();"),
        ("x = ║;\n", "f(a);", "javascript", "x = ├f(a)┤;"),
        ("x = ║.b\n", "a", "python", "x = ├a┤.b"),
    ],
)
def test_what_goes_with_the_rest_of_the_line_is_shown(document, said, language, kept):
    assert show(document, said, language) == kept
