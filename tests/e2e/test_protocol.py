"""The protocol through a real subprocess: every id answered once, cancel, supersede, encodings, bad requests."""

from __future__ import annotations

import json
import random
import time

import pytest

from tests.client import URI, Client, inline_params

LONG = json.dumps([" + ".join(f"word{n}" for n in range(200))])
CODE = "def f(a, b):\n    x = \n"


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


def test_typing_along_is_answered_from_the_cache_while_a_decode_runs(tmp_path):
    with Client.fake(tmp_path, "--step-s", "0.05", "--texts", '["alpha + beta"]') as client:
        client.start()
        client.open(CODE)
        client.open("y = \n" * 3, uri="file:///w/slow.py")
        assert client.inline(1, 8)[0]["insertText"] == "alpha + beta"
        slow = client.ask_inline(0, 4, uri="file:///w/slow.py")
        for n, char in enumerate("alph"):
            client.type(1, 8 + n, char)
            (item,) = client.inline(1, 9 + n)
            assert item["insertText"] == "alpha + beta"[n + 1 :]
            assert slow not in client.answers
            assert client.explain(1, 9 + n)["why"] == "typed along"
        client.type(1, 12, "Z")
        assert client.inline(1, 13)[0]["insertText"] == "alpha + beta"
        client.wait(slow)
    client.check_clean()


def test_cancel_stops_the_decoding(tmp_path):
    with Client.fake(tmp_path, "--step-s", "0.02", "--texts", LONG) as client:
        client.start(initializationOptions={"deadlineMs": 20_000})
        client.open(CODE)
        asked = client.ask_inline(1, 8)
        time.sleep(0.3)
        client.notify("$/cancelRequest", {"id": asked})
        assert client.wait(asked, 2)["error"]["code"] == -32800
        assert client.inline(1, 8)[0]["insertText"].startswith("word0")
    client.check_clean()
    stopped = next(line for line in client.traced() if line.get("cancelled") == "cancelled")
    assert 0 < stopped["tokens"]["decoded"] < 100


def test_a_newer_request_supersedes_the_older(tmp_path):
    with Client.fake(tmp_path, "--step-s", "0.02", "--texts", LONG) as client:
        client.start(initializationOptions={"deadlineMs": 3_000})
        client.open(CODE)
        first = client.ask_inline(1, 8)
        time.sleep(0.2)
        second = client.ask_inline(1, 7)
        assert client.wait(first, 2)["result"]["items"] == []
        client.wait(second)
    client.check_clean()
    assert next(line.get("cancelled") for line in client.traced()) == "superseded"


def test_the_deadline_gives_the_best_so_far(tmp_path):
    with Client.fake(tmp_path, "--step-s", "0.02", "--texts", LONG) as client:
        client.start(initializationOptions={"deadlineMs": 300})
        client.open(CODE)
        (item,) = client.inline(1, 8)
        assert item["insertText"].startswith("word0 + word1")
        assert len(item["insertText"]) < 400
    client.check_clean()


def test_edits_are_not_blocked_by_a_decode(tmp_path):
    with Client.fake(tmp_path, "--step-s", "0.05", "--texts", LONG) as client:
        client.start(initializationOptions={"deadlineMs": 3_000})
        client.open(CODE)
        asked = client.ask_inline(1, 8)
        client.type(0, 0, "# ")
        assert client.explain(0, 0)["reason"] == "no completion was requested here"  # answered behind the edit
        assert asked not in client.answers
        assert client.wait(asked)["result"]["items"] == []  # the document moved on
    client.check_clean()


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


def test_two_hundred_mixed_requests_are_each_answered_once(tmp_path):
    rng = random.Random(7)
    with Client.fake(tmp_path, "--step-s", "0.001") as client:
        client.start()
        client.open(CODE)
        asked = []
        for n in range(200):
            kind = rng.choice(["inline", "inline", "explain", "compare", "unknown", "bad", "edit"])
            if kind == "inline":
                asked.append(client.ask_inline(1, rng.randint(0, 9), kind=rng.choice([0, 1, 2, 9])))
            elif kind == "explain":
                client.ask("fimLsp/explain", inline_params(1, rng.randint(0, 9)))
            elif kind == "compare":
                asked.append(client.ask_compare(1, rng.randint(0, 9)))
            elif kind == "unknown":
                client.ask(f"what/is{n}", {"a": n})
            elif kind == "bad":
                client.ask("textDocument/inlineCompletion", {"position": n})
            else:
                client.type(0, 0, "#")
            if asked and rng.random() < 0.3:
                client.notify("$/cancelRequest", {"id": rng.choice(asked)})
        for i in sorted(client.asked):
            client.wait(i, 30)
        time.sleep(0.3)  # a second answer would come now
    client.check_clean()


def test_two_thousand_edits_with_completions_between(tmp_path):
    rng = random.Random(3)
    text = "import os\n\n\ndef f(é):\r\n    return os.path\n"
    with Client.fake(tmp_path, "--texts", '["z"]') as client:
        client.start()
        client.open(text)
        for n in range(2000):
            lines = text.replace("\r\n", "\n").split("\n")
            line = rng.randrange(len(lines))
            column = rng.randint(0, len(lines[line]))
            starts = [0]
            for part in text.split("\n")[:-1]:
                starts.append(starts[-1] + len(part) + 1)
            at = starts[line] + column
            if rng.random() < 0.3 and column:
                span = {"start": {"line": line, "character": column - 1}, "end": {"line": line, "character": column}}
                client.change({"range": span, "text": ""})
                text = text[: at - 1] + text[at:]
            else:
                typed = rng.choice(["a", "(", ")", ":", "\n", "    ", "é", "x = 1\n", '"', "#"])
                client.type(line, column, typed)
                text = text[:at] + typed + text[at:]
            if n % 10 == 0:
                client.ask_inline(line, column)
        lines = text.replace("\r\n", "\n").split("\n")
        client.type(len(lines) - 1, len(lines[-1]), "\nq = ")
        (item,) = client.inline(len(lines), 4)
        assert item["insertText"] == "z"
        assert item["range"]["start"] == {"line": len(lines), "character": 4}
    client.check_clean()


def test_settings_from_every_door(tmp_path):
    with Client.fake(tmp_path, settings={"trigger": "manual"}) as client:
        client.start(initializationOptions={"fimLsp": {"deadlineMs": "soon", "colour": 1}})
        told = [client.note("window/showMessage")["message"] for _ in range(2)]
        assert any("fimLsp.deadlineMs = 'soon'" in said and "1500" in said for said in told)
        assert any("fimLsp.colour" in said for said in told)
        client.until_ready()
        client.open(CODE)
        assert client.inline(1, 8) == []
        assert client.explain(1, 8)["reason"] == "fimLsp.trigger is manual"
        assert len(client.inline(1, 8, kind=1)) == 2
        client.settings = None
        client.notify("workspace/didChangeConfiguration", {"settings": None})  # and a client that has none
        time.sleep(0.2)
        assert len(client.inline(1, 8)) == 1
        client.notify("workspace/didChangeConfiguration", {"settings": {"fimLsp": {"trigger": "manual"}}})
        time.sleep(0.2)
        assert client.inline(1, 7) == []
        client.notify("workspace/didChangeConfiguration", {"settings": {"fimLsp": {"trigger": "automatic"}}})
        time.sleep(0.2)
        assert len(client.inline(1, 8)) == 1
        client.notify("workspace/didChangeConfiguration", {"settings": {"fimLsp": {"languages": ["go"]}}})
        time.sleep(0.2)
        assert client.inline(1, 7) == []
        assert "fimLsp.languages" in client.explain(1, 7)["reason"]
        assert any(request["method"] == "client/registerCapability" for request in client.requests)
    client.check_clean()


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


def test_an_editors_own_settings_are_none_of_the_servers_business(tmp_path):
    own = {"path": "/p", "installFrom": "x.whl", "trace": {"server": "verbose"}, "maxLines": 0}
    with Client.fake(tmp_path) as client:
        client.start(initializationOptions=own)
        assert "fimLsp.maxLines" in client.note("window/showMessage")["message"]
        client.until_ready()
        assert client.note("$/progress")["value"]["kind"] == "end"  # it may come after the status
        assert client.notes.empty()
    client.check_clean()


def test_the_last_answer_is_explained_and_timed_without_naming_its_place(client):
    client.start()
    assert client.request("fimLsp/explain", {})["result"]["reason"] == "no completion was requested yet"
    client.until_ready()
    client.open(CODE)
    client.inline(1, 8)
    explained = client.request("fimLsp/explain", {})["result"]
    assert (explained["shown"], explained["confidence"]) == (["alpha + beta"], [0.9])
    assert set(explained["expectedMs"]) == {"gpt", "bert"}
    states = [client.note("fimLsp/status") for _ in range(2)]
    assert [told["state"] for told in states] == ["busy", "ready"]
    assert states[0]["lastMs"] is None
    assert states[1]["lastMs"] > 0


PAIR = ("--texts", '["a + b"]', "--bert-texts", '["a):"]')


def test_both_families_side_by_side(tmp_path):
    with Client.fake(tmp_path, *PAIR) as client:
        client.start()
        client.until_ready()
        client.open('if f("😀", )\n')
        answer = client.compare(0, 11)
        assert answer["reason"] == ""
        gpt, bert = answer["sides"]
        assert (gpt["family"], gpt["item"]["insertText"]) == ("gpt", "a + b")
        assert (bert["family"], bert["item"]["insertText"]) == ("bert", "a):")
        assert gpt["item"]["range"] == {"start": {"line": 0, "character": 11}, "end": {"line": 0, "character": 11}}
        assert bert["item"]["range"] == {"start": {"line": 0, "character": 11}, "end": {"line": 0, "character": 12}}
        assert gpt["confidence"] == bert["confidence"] == 0.9
        for side in (gpt, bert):
            cold = side["runs"]["cold"]
            assert cold["totalMs"] >= sum(cold["timings"].values())
        assert answer["taken"] == answer["choice"]["family"] == "gpt"
        assert set(answer["choice"]["expectedMs"]) == {"gpt", "bert"}
        client.inline(0, 11)
        assert client.explain(0, 11)["shown"] == ["a + b"]
    client.check_clean()


def test_a_family_without_weights_is_an_entry_with_its_error(tmp_path):
    with Client.fake(tmp_path, *PAIR, "--broken", "bert") as client:
        client.start()
        client.open(CODE)
        gpt, bert = client.compare(1, 8)["sides"]
        assert gpt["item"]["insertText"] == "a + b"
        assert bert == {
            "family": "bert",
            "error": "no weights of bert here: put some",
            "item": None,
            "confidence": None,
            "reason": "",
            "runs": {},
        }
    client.check_clean()


def test_a_comparison_is_cancelled_superseded_or_moot_but_always_answered(tmp_path):
    with Client.fake(tmp_path, "--step-s", "0.02", "--texts", LONG) as client:
        client.start(initializationOptions={"deadlineMs": 20_000})
        client.until_ready()
        client.open(CODE)
        cancelled = client.ask_compare(1, 8)
        time.sleep(0.2)
        client.notify("$/cancelRequest", {"id": cancelled})
        assert client.wait(cancelled, 2)["error"]["code"] == -32800
        older = client.ask_compare(1, 8)
        time.sleep(0.2)
        newer = client.ask_compare(1, 7)
        assert client.wait(older, 2)["result"]["reason"] == "superseded"
        client.type(0, 0, "#")
        typed = client.ask_inline(1, 8)
        assert client.wait(newer, 2)["result"]["reason"] == "the document changed before the answer came"
        assert client.wait(typed)["result"]["items"]
    client.check_clean()


def test_a_comparison_that_cannot_be_made_says_why(client):
    client.start()
    assert client.compare(0, 0)["reason"] == "the document is not open"
    client.open("word\n")
    assert client.compare(0, 2) == {
        "reason": "the cursor is inside a word",
        "choice": {"family": "", "why": "", "expectedMs": {}},
        "taken": "",
        "rounds": 0,
        "sides": [],
    }
    assert client.request("fimLsp/compare", {"position": 3})["error"]["code"] == -32602


def test_the_settings_choose_the_family(tmp_path):
    with Client.fake(tmp_path) as client:
        client.start(initializationOptions={"backend": "bert"})
        client.open(CODE)
        assert len(client.inline(1, 8)) == 1
        assert "fimLsp.backend" in client.explain(1, 8)["why"]
    client.check_clean()


def test_the_client_that_just_goes_away(tmp_path):
    with Client.fake(tmp_path, "--step-s", "0.05", "--texts", LONG) as client:
        client.start()
        client.open(CODE)
        client.ask_inline(1, 8)
        client.process.stdin.close()
        client.process.wait(10)
    assert b"Traceback" not in client.stderr
