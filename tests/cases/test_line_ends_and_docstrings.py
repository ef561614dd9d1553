"""One kind of line end, and a docstring that is closed or continued, never opened twice."""

from __future__ import annotations

import json

import pytest

from tests.client import FULL, Client
from tests.picture import show

SAID = "if a:\r\n        b()\n    return c"
MENU = {**FULL, "textDocument": {"completion": {}}}


def taken(text: str, line: int, character: int, item: dict) -> str:
    """Return the text after a client of few ideas took an item: it puts in what the item says."""
    lines = text.split("\r\n")
    lines[line] = lines[line][:character] + item["insertText"] + lines[line][character:]
    return "\r\n".join(lines)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Client.fake(tmp_path_factory.mktemp("crlf"), "--texts", json.dumps([SAID])) as client:
        client.start()
        yield client
    client.check_clean()


@pytest.mark.parametrize("text", ["def f():\r\n    \r\n", "def f():\r\n    x = 1\r\n\r\ndef g():\r\n    \r\n"])
def test_what_is_taken_leaves_one_kind_of_line_end(server, text):
    uri, line = f"file:///w/{len(text)}.py", text.count("\r\n") - 1
    server.open(text, uri)
    after = taken(text, line, 4, server.inline(line, 4, uri=uri)[0])
    assert after.endswith("    if a:\r\n        b()\r\n    return c\r\n")
    assert after.count("\n") == after.count("\r") == after.count("\r\n")


def test_a_file_of_line_feeds_is_given_no_other(server):
    server.open("def f():\n    \n", "file:///w/lf.py")
    assert server.inline(1, 4, uri="file:///w/lf.py")[0]["insertText"] == SAID.replace("\r\n", "\n")


def test_a_menu_entry_has_the_documents_line_ends_too(tmp_path):
    with Client.fake(tmp_path, "--texts", json.dumps([SAID])) as client:
        client.start(MENU)
        client.open("def f():\r\n    \r\n")
        where = {"textDocument": {"uri": "file:///w/a.py"}, "position": {"line": 1, "character": 4}}
        item = client.request("textDocument/completion", where)["result"]["items"][0]
        assert item["textEdit"]["newText"] == "if a:\r\n        b()\r\n    return c"


@pytest.mark.parametrize("eol", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize(
    ("document", "said", "kept"),
    [
        ('def f():\n    """║\n', '"""Return nothing."""', '"""├Return nothing."""┤'),
        ('def f():\n    """║\n', '"""Return nothing.', '"""├Return nothing.'),
        ('def f():\n    """║"""\n', '"""Return nothing."""', '"""├Return nothing.┤"""'),
        ('def f():\n    """║\n', 'Return nothing."""', '"""├Return nothing."""┤'),
        ('def f():\n    """║\n', "Return nothing.", '"""├Return nothing.'),
        ("def f():\n    '''║\n", "'''Return nothing.'''", "'''├Return nothing.'''┤"),
        ('def f():\n    """Return ║\n', 'nothing."""', '"""Return ├nothing."""┤'),
        ('def f():\n    """Return.║\n', '"""', '"""Return.├"""┤'),
        ('x = "║\n', '"a"', 'x = "├a"┤'),
        ("x = '║'\n", "'a'", "x = '├a┤'"),
        ('x = "║\n', '" + y', 'x = "├" + y┤'),
    ],
)
def test_a_string_is_never_opened_twice(document, said, kept, eol):
    assert kept in show(document.replace("\n", eol), said.replace("\n", eol))


@pytest.mark.parametrize(
    ("document", "said", "language", "kept"),
    [
        ("const x = `║`;\n", "`a`", "javascript", "`├a┤`;"),
        ('puts "║\n', '"a"', "ruby", '"├a"┤'),
        ('int f() { return g("║"); }\n', '"a"', "c", '"├a┤")'),
    ],
)
def test_nor_is_one_of_another_language(document, said, language, kept):
    assert kept in show(document, said, language)


@pytest.mark.parametrize(
    ("document", "said", "kept"),
    [
        ("x = ║\r\n", "1\r", "x = ├1┤"),
        ("x = ║\r\n", "1\r\ny = 2", "x = ├1┤"),
        ("x = ║\n", "1\ry = 2", "x = ├1┤"),
        ("def f():\r\n    ║\r\n", "x = 1\r    y = 2\r\n", "├x = 1\n    y = 2┤"),
    ],
)
def test_a_line_ends_where_the_model_ends_it_however_it_does(document, said, kept):
    assert kept in show(document, said)
