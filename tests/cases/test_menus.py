"""Editors that know only completion menus: asking by hand, several lines, and when no menu opens."""

from __future__ import annotations

from typing import Any

import pytest

from tests.client import Client, where

MENU = {"textDocument": {"completion": {}}}


def capabilities(value_set: list[int] | None = None, default: int | None = None) -> dict[str, Any]:
    completion: dict[str, Any] = {}
    if value_set is not None:
        completion["completionItem"] = {"insertTextModeSupport": {"valueSet": value_set}}
    if default is not None:
        completion["insertTextMode"] = default
    return {"textDocument": {"completion": completion}}


def ask(client: Client, line: int, character: int, **context: int) -> list[dict[str, Any]]:
    params = where(line, character) | ({"context": context} if context else {})
    return client.request("textDocument/completion", params)["result"]["items"]


def adjusted(document: str, item: dict[str, Any]) -> str:
    """What an editor makes of an entry that adds the current line's indentation below it."""
    line = document.splitlines()[item["textEdit"]["range"]["start"]["line"]]
    return item["textEdit"]["newText"].replace("\n", "\n" + line[: len(line) - len(line.lstrip())])


def test_what_is_asked_by_hand_is_answered_where_nothing_comes_unasked(tmp_path):
    with Client.fake(tmp_path, "--texts", '["z"]') as client:
        client.start(MENU, initializationOptions={"trigger": "manual"})
        client.open("x = \nf(\n")
        assert len(ask(client, 0, 4, triggerKind=1)) == 1
        assert len(ask(client, 1, 2)) == 1  # a client that says nothing
        assert ask(client, 0, 4, triggerKind=2) == []
        assert ask(client, 0, 4, triggerKind=3) == []
        assert "trigger is manual" in client.explain(0, 4)["reason"]
        client.notify("workspace/didChangeConfiguration", {"settings": {"fimLsp": {"trigger": "automatic"}}})
        while not ask(client, 0, 4, triggerKind=2):
            pass
        assert len(ask(client, 1, 2, triggerKind=1)) == 1
    client.check_clean()


DOCUMENT = "class A:\n    def f(self):\n        \n"
TEXT = "first()\n            second()\n        third()"


@pytest.mark.parametrize(
    ("told", "mode", "is_adjusted"),
    [
        (capabilities([1, 2]), 1, False),
        (capabilities([1], default=2), 1, False),
        (capabilities([2]), None, True),
        (capabilities(default=2), None, True),
        (capabilities(default=1), None, False),
        (capabilities(), None, False),
    ],
    ids=["both", "as it is", "adjusting alone", "adjusts unless told", "keeps", "says nothing"],
)
def test_an_entry_of_several_lines_stands_as_it_was_said(tmp_path, told, mode, is_adjusted):
    said = '["first()\\n            second()\\n        third()"]'
    with Client.fake(tmp_path, "--texts", said) as client:
        client.start(told)
        client.open(DOCUMENT)
        (item,) = ask(client, 2, 8, triggerKind=1)
        assert item.get("insertTextMode") == mode
        assert (adjusted(DOCUMENT, item) if is_adjusted else item["textEdit"]["newText"]) == TEXT
    client.check_clean()


@pytest.mark.parametrize(
    ("document", "place", "said", "text"),
    [
        ("def f():\n\t\n", (1, 1), "a()\n\tb()", "a()\n\tb()"),
        ("if a:\n    if b:\n        \n", (2, 8), "c()\n        d()", "c()\n        d()"),
        ("def f():\n  \n", (1, 2), "return [\n    1,\n  ]", "return [\n    1,\n  ]"),
    ],
)
def test_indentation_of_any_kind_is_right_after_adjustment(tmp_path, document, place, said, text):
    import json

    with Client.fake(tmp_path, "--texts", json.dumps([said])) as client:
        client.start(capabilities([2]))
        client.open(document)
        (item,) = ask(client, *place, triggerKind=1)
        assert adjusted(document, item) == text
    client.check_clean()


def test_no_character_between_words_opens_a_menu(tmp_path):
    with Client.fake(tmp_path) as client:
        opens = client.start(MENU)["completionProvider"]["triggerCharacters"]
        assert not [char for char in opens if char.isspace() or char.isalnum()]


@pytest.mark.parametrize(
    ("language", "text", "place"),
    [
        ("python", "x = 1  # as said.\n", (0, 17)),
        ("python", "# f(\nx = 1\n", (0, 4)),
        ("javascript", "/*\n * as said.\n */\nlet x = 1;\n", (1, 11)),
        ("go", "// as said.\nvar x = 1\n", (0, 11)),
        ("html", "<script>\n// as said.\n</script>\n", (1, 11)),
    ],
)
def test_a_full_stop_in_a_comment_opens_none(tmp_path, language, text, place):
    with Client.fake(tmp_path, "--texts", '["z"]') as client:
        client.start(MENU)
        client.open(text, language=language)
        assert ask(client, *place, triggerKind=2) == []
        assert "in a comment" in client.explain(*place)["reason"]
        assert len(ask(client, *place, triggerKind=1)) == 1
    client.check_clean()


def test_a_full_stop_in_code_opens_one(tmp_path):
    with Client.fake(tmp_path, "--texts", '["z"]') as client:
        client.start(MENU)
        client.open("x = a.\n")
        assert len(ask(client, 0, 6, triggerKind=2)) == 1
    client.check_clean()
