"""Requests that run: typed along, cancelled, superseded, late, and mixed by the thousand."""

from __future__ import annotations

import random
import time

import pytest

from tests.client import CODE, LONG, Client, inline_params

pytestmark = pytest.mark.alone


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
        client.until_ready()
        client.open(CODE)
        first = client.ask_inline(1, 8)
        client.until_state("busy")
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
