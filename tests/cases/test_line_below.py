"""The line below is not said again, nor are the lines below, in any language, unless a closer is lacking."""

from __future__ import annotations

import pytest

from tests.picture import NOTHING, show

BRACES = "function f(y) {\n  a();\n  ║\n  b(y);\n  return y;\n}\n"
C = BRACES.replace("function f(y)", "int f(int y)")
BELOW = {  # three lines each, of which the last closes what the first lines opened
    "python": "def f(y):\n    if y:\n        a()\n        ║\n        b(y)\n        break\n    return y\n",
    "javascript": BRACES,
    "typescript": BRACES,
    "tsx": BRACES,
    "go": "package p\n\nfunc f(y int) int {\n\ta()\n\t║\n\tb(y)\n\treturn y\n}\n",
    "rust": "fn f(y: i32) -> i32 {\n    a();\n    ║\n    b(y);\n    y\n}\n",
    "java": "class A {\n  int f(int y) {\n    a();\n    ║\n    b(y);\n    return y;\n  }\n}\n",
    "c": C,
    "cpp": C,
    "csharp": "class A {\n  int F(int y) {\n    A();\n    ║\n    B(y);\n    return y;\n  }\n}\n",
    "ruby": "def f(y)\n  a\n  ║\n  b(y)\n  y\nend\n",
    "php": "<?php\nfunction f($y) {\n  a();\n  ║\n  b($y);\n  return $y;\n}\n",
    "bash": 'f() {\n  a\n  ║\n  b "$1"\n  return 0\n}\n',
    "lua": "local function f(y)\n  a()\n  ║\n  b(y)\n  return y\nend\n",
}


@pytest.mark.parametrize("lines", [1, 2, 3])
@pytest.mark.parametrize("language", BELOW)
def test_the_lines_below_are_not_said_again(language, lines):
    document = BELOW[language]
    below = document.partition("║\n")[2].split("\n")[:lines]
    assert show(document, "\n".join(below).lstrip(), language) == NOTHING


@pytest.mark.parametrize("language", BELOW)
def test_other_lines_are_shown(language):
    said = "c()" + ";" * BELOW[language].count(";", 0, BELOW[language].index("║"))
    assert f"├{said}┤" in show(BELOW[language], said, language)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("def f(y):\n    ║\n    return y\n", "return y"),
        ("while a:\n    ║\n    break\n", "break"),
        ("║\nimport re\n", "import re"),
        ("║\nimport re\nimport sys\n", "import re\nimport sys"),
        ("x = ║\nx = 1\n", "1"),
        ("x = {\n    ║\n    'b': 2,\n}\n", "'b': 2"),
        ("if a:\n    ║\nelse:\n    b()\nc()\n", "else:\n    b()\nc()"),
    ],
)
def test_the_line_below_is_not_said_again_however_short(document, said):
    assert show(document, said) == NOTHING


@pytest.mark.parametrize(
    ("document", "said", "language", "kept"),
    [
        (
            "def f(y):\n    if y:\n        ║\n    return y\n",
            "g()\n    return y",
            "python",
            "def f(y):\n    if y:\n        ├g()┤\n    return y",
        ),
        (
            "function f() {\n  if (a) {\n    ║\n  }\n  return b;\n}\n",
            "c();\n  }\n  return b;\n}",
            "javascript",
            "function f() {\n  if (a) {\n    ├c();┤\n  }\n  return b;\n}",
        ),
    ],
)
def test_lines_before_those_below_are_shown(document, said, language, kept):
    assert show(document, said, language) == kept


@pytest.mark.parametrize(
    ("document", "said", "language", "kept"),
    [
        ("f(\n    g(\n        a\n║\n)\n", "    )", "python", "f(\n    g(\n        a\n├    )┤\n)"),
        (
            "function f() {\n  if (a) {\n    b();\n  ║\n}\n",
            "}",
            "javascript",
            "function f() {\n  if (a) {\n    b();\n  ├}┤\n}",
        ),
        (
            "int f() {\n  while (a) {\n    b();\n  ║\n}\n",
            "}",
            "c",
            "int f() {\n  while (a) {\n    b();\n  ├}┤\n}",
        ),
        ("def f\n  if a\n    b\n  ║\nend\n", "end", "ruby", "def f\n  if a\n    b\n  ├end┤\nend"),
    ],
)
def test_a_closer_is_said_again_where_it_is_lacking(document, said, language, kept):
    assert show(document, said, language) == kept


@pytest.mark.parametrize(
    ("document", "said", "language"),
    [
        ("f(\n    a\n║\n)\n", ")", "python"),
        ("function f() {\n  a();\n  ║\n}\n", "}", "javascript"),
        ("def f\n  a\n  ║\nend\n", "end", "ruby"),
        ("local function f()\n  a()\n  ║\nend\n", "end", "lua"),
        ("if a; then\n  b\n  ║\nfi\n", "fi", "bash"),
    ],
)
def test_a_closer_that_stands_below_is_not_said_again(document, said, language):
    assert show(document, said, language) == NOTHING
