"""One file under several URIs, and several documents under one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.client import Client, where


@pytest.fixture(scope="module")
def client(tmp_path_factory) -> Iterator[Client]:
    with Client.fake(tmp_path_factory.mktemp("uris"), "--texts", '["z"]') as running:
        running.start()
        running.until_ready()
        yield running
    running.check_clean()


def close(client: Client, uri: str) -> None:
    client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})


@pytest.mark.parametrize(
    ("opened", "asked"),
    [
        ("file:///c%3A/a%20b.py", "file:///C:/a b.py"),
        ("file:///C:/src/x.py", "file:///c:/src/x.py"),
        ("file://localhost/w/l.py", "file:///w/l.py"),
        ("file:/w/one-slash.py", "file:///w/one-slash.py"),
        ("file:///w/%c3%a9%20%5Bid%5D.py", "file:///w/é [id].py"),
        ("file:///w/%7euser/a%2Bb.py", "file:///w/~user/a+b.py"),
        ("file:///C:\\src\\y.py", "file:///c%3a/src/y.py"),
        ("FILE:///w/upper.py", "file:///w/upper.py"),
        ("file://C:/src/host.py", "file:///C:/src/host.py"),
    ],
)
def test_one_file_is_one_document_under_all_its_uris(client, opened, asked):
    client.open("y = \n", opened)
    client.type(0, 0, "x, ", uri=asked)
    (item,) = client.inline(0, 7, uri=opened)
    assert item["insertText"] == "z"
    assert client.request("fimLsp/explain", where(0, 7, asked))["result"]["shown"] == ["z"]
    close(client, asked)
    assert client.inline(0, 7, uri=opened) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("file:///w/a.py", "file:///w/A.py"),
        ("file:///w/a%20b.py", "file:///w/a+b.py"),
        ("file:///w/%25.py", "file:///w/%2525.py"),
        ("file:///w/%ff.py", "file:///w/%fe.py"),
        ("file://server/w/s.py", "file:///w/s.py"),
        ("untitled:Untitled-1", "untitled:Untitled-2"),
        ("notebook:/n.ipynb#W0", "notebook:/n.ipynb#W1"),
    ],
)
def test_two_files_are_two_documents(client, one, other):
    client.open("first = \n", one)
    client.open("x = \n", other)
    client.type(0, 0, "in the second ", uri=other)
    (item,) = client.inline(0, 8, uri=one)
    assert item["range"]["start"]["character"] == 8
    close(client, other)
    assert len(client.inline(0, 8, uri=one)) == 1
    close(client, one)


@pytest.mark.parametrize("uri", ["file://", "file:///", "", "untitled:"])
def test_two_nameless_buffers_that_share_a_uri_are_refused_rather_than_mixed(client, uri):
    client.open("first = \n", uri)
    assert len(client.inline(0, 8, uri=uri)) == 1
    client.open("x = \n", uri)
    client.type(0, 0, "of whom? ", uri=uri)
    assert client.inline(0, 8, uri=uri) == []
    told = client.request("fimLsp/explain", where(0, 8, uri))["result"]["reason"]
    assert told == f"several unnamed documents share the URI {uri!r}; save this one under a name"
    client.change({"text": "whole = \n"}, uri=uri)
    close(client, uri)
    assert client.inline(0, 8, uri=uri) == []  # which of them is left?
    close(client, uri)
    client.open("alone = \n", uri)
    assert len(client.inline(0, 8, uri=uri)) == 1
    close(client, uri)


@pytest.mark.parametrize("uri", ["no scheme", "file:%zz", "file://[::1", "\u2603:", "file:///\x00.py", "a" * 5000])
def test_an_odd_uri_is_a_name_like_any_other(client, uri):
    client.open("y = \n", uri)
    assert len(client.inline(0, 4, uri=uri)) == 1
    close(client, uri)
