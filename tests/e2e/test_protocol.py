"""The protocol through a real subprocess: every id answered once, cancel, supersede, encodings, bad requests."""

from __future__ import annotations

import pytest

from tests.client import CODE, LONG, URI, Client, inline_params

pytestmark = pytest.mark.alone


def test_capabilities_follow_the_client(tmp_path):
    with Client.fake(tmp_path) as client:
        capabilities = client.start()
        assert capabilities["inlineCompletionProvider"] == {}
        assert "completionProvider" not in capabilities
        assert capabilities["textDocumentSync"]["change"] == 2
    with Client.fake(tmp_path) as client:
        assert "completionProvider" in client.start({"textDocument": {"completion": {}}})
    with Client.fake(tmp_path) as client:
        options = {"completionFallback": True}
        assert "completionProvider" in client.start(initializationOptions=options)


def test_automatic_gives_one_item_and_manual_several_distinct(client):
    client.start()
    client.open(CODE)
    items = client.inline(1, 8)
    assert [item["insertText"] for item in items] == ["alpha + beta"]
    assert items[0]["range"] == {"start": {"line": 1, "character": 8}, "end": {"line": 1, "character": 8}}
    assert [item["insertText"] for item in client.inline(1, 8, kind=1)] == ["alpha + beta", "gamma()"]


def test_range_covers_repeated_suffix(tmp_path):
    with Client.fake(tmp_path, "--texts", '["a, b):"]') as client:
        client.start()
        client.open("def f()\n")
        (item,) = client.inline(0, 6)
        assert item["insertText"] == "a, b):"
        assert item["range"] == {"start": {"line": 0, "character": 6}, "end": {"line": 0, "character": 7}}
    client.check_clean()


def test_completion_where_inline_is_missing(tmp_path):
    with Client.fake(tmp_path) as client:
        client.start({"textDocument": {"completion": {}}})
        client.open("def f(a):\n    x = al\n")
        where = {"textDocument": {"uri": URI}, "position": {"line": 1, "character": 10}}
        (item,) = client.request("textDocument/completion", where)["result"]["items"]
        assert item["textEdit"]["newText"] == "alalpha + beta"
        assert item["textEdit"]["range"]["start"] == {"line": 1, "character": 8}
        assert item["filterText"].startswith("al")
    client.check_clean()


def test_a_menu_entry_is_completed_as_if_it_were_accepted(client):
    client.start()
    client.open("import os\nos.pa\n")
    span = {"start": {"line": 1, "character": 3}, "end": {"line": 1, "character": 5}}
    params = inline_params(1, 5)
    params["context"]["selectedCompletionInfo"] = {"range": span, "text": "path"}
    (item,) = client.request("textDocument/inlineCompletion", params)["result"]["items"]
    assert item["insertText"] == "pathalpha + beta"
    assert item["range"] == span


@pytest.mark.parametrize(
    ("encoding", "column"), [("utf-8", 15), ("utf-16", 12), ("utf-32", 11)], ids=["utf-8", "utf-16", "utf-32"]
)
def test_positions_in_every_encoding(tmp_path, encoding, column):
    line = 'x = "é😀" + '
    with Client.fake(tmp_path) as client:
        capabilities = {"general": {"positionEncodings": [encoding]}, "textDocument": {"inlineCompletion": {}}}
        assert client.start(capabilities)["positionEncoding"] == encoding
        client.open(line + "\n")
        (item,) = client.inline(0, column)
        assert item["range"]["start"] == {"line": 0, "character": column}
        client.type(0, column, "a")
        (item,) = client.inline(0, column + 1)
        assert item["insertText"] == "lpha + beta"
    client.check_clean()


def test_trigger_kinds_of_old_clients_and_missing_contexts(client):
    client.start()
    client.open(CODE)
    assert len(client.inline(1, 8, kind=0)) == 2  # an old client's "invoked"
    assert len(client.inline(1, 7, kind=1)) == 1  # and so its 1 is "automatic"
    where = {"textDocument": {"uri": URI}, "position": {"line": 1, "character": 6}}
    assert len(client.request("textDocument/inlineCompletion", where)["result"]["items"]) == 1


def test_bad_requests_are_answered_and_the_server_stays(client):
    early = client.ask("textDocument/inlineCompletion", inline_params(0, 0))
    assert client.wait(early)["error"]["code"] == -32002
    client.start()
    client.open(CODE)
    bad = [
        client.ask("textDocument/inlineCompletion", {}),
        client.ask("textDocument/inlineCompletion", None),
        client.ask("textDocument/inlineCompletion", [1, 2]),
        client.ask("textDocument/inlineCompletion", {**inline_params(0, 0), "position": {"line": "x"}}),
        client.ask("textDocument/inlineCompletion", inline_params(-1, 0)),
        client.ask("fimLsp/explain", {"position": 3}),
    ]
    assert [client.wait(i)["error"]["code"] for i in bad] == [-32602] * len(bad)
    assert client.request("no/suchMethod", {})["error"]["code"] == -32601
    client.send({"id": "words", "method": "no/suchMethod"})
    assert client.wait("words")["error"]["code"] == -32601
    client.raw(b"{not json")
    client.raw(b"[1, 2]")
    client.raw(b'"text"')
    client.raw(b'{"id": 77, "method": "x"}')
    client.raw(b'{"jsonrpc": "2.0", "id": null, "method": "x"}')
    client.raw(b'{"jsonrpc": "2.0", "method": "textDocument/didChange", "params": {"odd": 1}}')
    assert client.wait(77)["error"]["code"] == -32600
    assert client.inline(5000, 7) == client.inline(5000, 9)  # past the end means the end
    assert client.inline(0, 0, uri="file:///not/open.py") == []
    assert client.inline(1, 8)[0]["insertText"] == "alpha + beta"
    assert client.request("shutdown")["result"] is None
    assert client.wait(client.ask("shutdown"))["error"]["code"] == -32600
    client.notify("exit")
    assert client.process.wait(10) == 0


@pytest.mark.parametrize(
    ("language", "text", "why"),
    [
        ("go", "package p\n\nfunc f() int {\n\t\n}\n", "empty block"),
        ("typescriptreact", "const f = () => {\n  f();\n\n\t\n};\n", "blank line"),
        ("shellscript", "if x; then\n  y\n\n\t\nfi\n", "blank line"),
        ("markdown", "# A\n\n```go\n\t\n```\n", "empty block, go within markdown"),
    ],
)
def test_files_of_other_languages_get_completions(tmp_path, language, text, why):
    with Client.fake(tmp_path) as client:
        client.start()
        client.until_ready()
        client.open(text, language=language)
        assert len(client.inline(3, 1)) == 1
        assert why in client.explain(3, 1)["why"]
    client.check_clean()


def test_the_last_answer_is_explained_and_timed_without_naming_its_place(client):
    client.start()
    assert client.request("fimLsp/explain", {})["result"]["reason"] == "no completion was requested yet"
    client.until_ready()
    client.open(CODE)
    client.inline(1, 8)
    explained = client.request("fimLsp/explain", {})["result"]
    assert (explained["shown"], explained["confidence"]) == (["alpha + beta"], [0.045])
    assert explained["why"].endswith("; `alpha`, `beta` are defined nowhere")
    assert set(explained["expectedMs"]) == {"gpt", "bert"}
    states = [client.note("fimLsp/status") for _ in range(2)]
    assert [told["state"] for told in states] == ["busy", "ready"]
    assert states[0]["lastMs"] is None
    assert states[1]["lastMs"] > 0


def test_the_client_that_just_goes_away(tmp_path):
    with Client.fake(tmp_path, "--step-s", "0.05", "--texts", LONG) as client:
        client.start()
        client.open(CODE)
        client.ask_inline(1, 8)
        client.process.stdin.close()
        client.process.wait(10)
    assert b"Traceback" not in client.stderr
