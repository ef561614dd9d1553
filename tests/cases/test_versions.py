"""Edits of clients that number their versions oddly, or not at all: the server's text is the client's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.client import Client, where

MISSING = object()


@pytest.fixture(scope="module")
def client(tmp_path_factory) -> Iterator[Client]:
    with Client.fake(tmp_path_factory.mktemp("versions"), "--texts", '["z"]') as running:
        running.start()
        running.until_ready()
        yield running
    running.check_clean()


def change(client: Client, uri: str, version: object, *changes: object) -> None:
    identity = {"uri": uri} if version is MISSING else {"uri": uri, "version": version}
    client.notify("textDocument/didChange", {"textDocument": identity, "contentChanges": list(changes)})


def insert(line: int, character: int, text: str) -> dict:
    at = {"line": line, "character": character}
    return {"range": {"start": at, "end": at}, "text": text}


@pytest.mark.parametrize(
    "versions",
    [(None, None, None), (MISSING, MISSING, MISSING), (0, 0, 0), (9, 3, 1), ("7", 1.5, None), (5, None, MISSING)],
    ids=["null", "none", "always the same", "backwards", "no numbers", "mixed"],
)
def test_an_edit_is_applied_whatever_its_version(client, request, versions):
    uri = f"file:///w/{request.node.callspec.id.replace(' ', '_')}.py"
    client.open("x = 1\n", uri)
    for version, text in zip(versions, ("y = \n", "# é😀\n", "import os\n"), strict=True):
        change(client, uri, version, insert(0, 0, text))
    (item,) = client.inline(2, 4, uri=uri)  # "y = ", below two lines that came later
    assert (item["insertText"], item["range"]["start"]) == ("z", {"line": 2, "character": 4})


def test_an_answer_for_a_text_that_is_no_more_is_not_given_though_its_version_is(tmp_path):
    with Client.fake(tmp_path, "--step-s", "0.05", "--texts", '["alpha + beta + gamma + delta"]') as client:
        client.start()
        client.until_ready()
        client.open("x = \n")
        asked = client.ask_inline(0, 4)
        change(client, "file:///w/a.py", None, insert(0, 0, "# "))
        assert client.wait(asked)["result"]["items"] == []
    client.check_clean()


@pytest.mark.parametrize("whole", [{"text": "a = \n"}, {"text": "a = \n", "range": None}], ids=["no range", "null"])
def test_a_whole_text_without_a_version_is_taken(client, whole, request):
    uri = f"file:///w/whole{len(whole)}.py"
    client.open("something else\n", uri)
    change(client, uri, None, whole)
    assert client.inline(0, 4, uri=uri)[0]["insertText"] == "z"


@pytest.mark.parametrize("changes", [[{"range": 3, "text": "a"}], [{"text": None}], "everything", None])
def test_after_an_edit_that_cannot_be_read_nothing_is_suggested_until_the_text_is_known(client, changes):
    uri = f"file:///w/lost{hash(str(changes))}.py"
    client.open("x = \n", uri)
    client.notify("textDocument/didChange", {"textDocument": {"uri": uri, "version": 2}, "contentChanges": changes})
    assert client.inline(0, 4, uri=uri) == []
    assert "an edit could not be read" in client.request("fimLsp/explain", where(0, 4, uri))["result"]["reason"]
    change(client, uri, 3, insert(0, 0, "q"))
    assert client.inline(0, 4, uri=uri) == []
    change(client, uri, 4, {"text": "x = \n"})
    assert len(client.inline(0, 4, uri=uri)) == 1


def test_a_document_opened_without_version_and_language_is_open(client):
    document = {"uri": "file:///w/bare.py", "languageId": "python", "version": None, "text": "x = \n"}
    client.notify("textDocument/didOpen", {"textDocument": document})
    assert len(client.inline(0, 4, uri="file:///w/bare.py")) == 1
