"""Indentation is the file's: its tabs or blanks, its width, and none of it twice."""

from __future__ import annotations

import pytest

from tests.picture import show


@pytest.mark.parametrize(
    ("document", "said", "language", "kept"),
    [
        # a file of tabs, a model of four blanks, of two, and of tabs
        ("def f():\n\t║\n", "if a:\n        b()\n    return c", "python", "├if a:\n\t\tb()\n\treturn c┤"),
        ("def f():\n\t║\n", "if a:\n    b()\n  return c", "python", "├if a:\n\t\tb()\n\treturn c┤"),
        ("def f():\n\t║\n", "if a:\n\t\tb()\n\treturn c", "python", "├if a:\n\t\tb()\n\treturn c┤"),
        ("if a:\n\tb()\nfor c in d:║\n", "\n    e()\n    f()", "python", "├\n\te()\n\tf()┤"),
        (
            "class A:\n\tdef f(self):\n\t\t║\n",
            "a = 1\n        return a",
            "python",
            "├a = 1\n\t\treturn a┤",
        ),
        ("func f() {\n\tif a {\n\t\t║\n\t}\n}\n", "b()\n        c()", "go", "├b()\n\t\tc()┤"),
        ("function f() {\n\tg();\n\tif (a) {║\n}\n", "\n        b();\n    }", "javascript", "├\n\t\tb();\n\t}┤"),
        ("int f() {\n\tg();\n\tif (a) {\n\t\t║\n", "b();\n        c();\n    }", "c", "├b();\n\t\tc();\n\t}┤"),
        # a file of four blanks, a model of tabs
        ("x = 1\ndef f():\n    ║\n", "if a:\n\t\tb()\n\treturn c", "python", "├if a:\n        b()\n    return c┤"),
        ("fn f() {\n    if a {\n        ║\n    }\n}\n", "b();\n\t\tc();", "rust", "├b();\n        c();┤"),
        # a file of two blanks, a model of four and of tabs
        (
            "def f():\n  a()\n\ndef g():\n  ║\n",
            "if a:\n        b()\n    return c",
            "python",
            "├if a:\n    b()\n  return c┤",
        ),
        ("def f():\n  a()\n\ndef g():\n  ║\n", "if a:\n\t\tb()\n\treturn c", "python", "├if a:\n    b()\n  return c┤"),
        ("def f():\n  a()\n\ndef g():\n  ║\n", "if a:\n    b()\n  return c", "python", "├if a:\n    b()\n  return c┤"),
        # a file of four blanks, a model of two
        (
            "def f():\n    a()\n\ndef g():\n    ║\n",
            "if a:\n    b()\n  return c",
            "python",
            "├if a:\n        b()\n    return c┤",
        ),
        # what is deeper than a level is not touched
        ("def f():\n    a()\n\n\ndef g():\n    ║\n", "x = (1,\n         2)", "python", "├x = (1,\n         2)┤"),
    ],
)
def test_the_files_own_indentation_is_shown(document, said, language, kept):
    assert kept in show(document, said, language)


@pytest.mark.parametrize(
    ("document", "said", "kept"),
    [
        ("def f():\n\tx = 1\n\ndef g():\n\t║\n", "    y = 1", "def g():\n\t├y = 1┤"),
        ("def f():\n    ║\n", "    y = 1", "def f():\n    ├y = 1┤"),
        ("def f():\n    x = 1\n    ║\n", "    y = 1", "    x = 1\n    ├y = 1┤"),
        ("class A:\n    def f(self):\n    ║\n", "        return 1", "def f(self):\n    ├    return 1┤"),
        ("def f():\n    x = 1\n║\n", "    y = 1", "    x = 1\n├    y = 1┤"),
        ('def f():\n    """\n    ║\n    """\n', "    Return.", '"""\n    ├Return.┤\n'),
        ("f(a,\n  ║)\n", "  b", "f(a,\n  ├b┤)"),
        # a blank that belongs to the word's token is no indent, unless the line above has one like it
        ("x = [\n  a,\n  ║\n]\n", " b,", "  a,\n  ├b,┤\n"),
        ("x = f(a,\n      b,\n     ║)\n", " c", "      b,\n     ├ c┤)"),
    ],
)
def test_an_indent_that_stands_left_of_the_cursor_is_not_said_again(document, said, kept):
    assert kept in show(document, said)
