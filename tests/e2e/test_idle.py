"""What the server does while nobody waits, through a real subprocess: looking ahead, warming, unloading."""

from __future__ import annotations

import json
import time

import pytest

from tests.client import Client

pytestmark = pytest.mark.alone

CODE = "def f(a, b):\n    x = \n"
AHEAD, READ, WARM, INLINE = "fimLsp/lookAhead", "fimLsp/read", "fimLsp/warm", "textDocument/inlineCompletion"
LONG = json.dumps([" + ".join(f"word{n}" for n in range(200))])


def wait_for(client: Client, method: str, count: int = 1) -> list[dict]:
    """Return the records of a method once there are so many."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        records = [record for record in client.traced() if record["method"] == method]
        if len(records) >= count:
            return records
        time.sleep(0.02)
    raise AssertionError(f"{method} is not in the trace {count} times")


def test_after_accepting_the_next_answer_is_there(tmp_path):
    with Client.fake(tmp_path) as client:
        client.start()
        client.until_ready()
        client.open(CODE)
        assert client.inline(1, 8)[0]["insertText"] == "alpha + beta"
        (ahead,) = wait_for(client, AHEAD)
        assert ahead["outcome"] == "shown"
        client.type(1, 8, "alpha + beta")
        (item,) = client.inline(1, 20)
        assert item["range"]["start"] == {"line": 1, "character": 20}
        assert client.explain(1, 20)["why"] == "cache"
        assert [record["backend"] for record in client.traced() if record["method"] == WARM] == []
    client.check_clean()
    asked = [record for record in client.traced() if record["method"] == INLINE]
    assert "queued" in asked[0]["timings"]
    assert "queued" not in asked[1]["timings"]  # answered on the loop


def test_typing_along_does_not_disturb_it(tmp_path):
    with Client.fake(tmp_path, "--step-s", "0.05") as client:
        client.start()
        client.until_ready()
        client.open(CODE)
        client.inline(1, 8)
        for n, char in enumerate("alpha + bet"):
            client.type(1, 8 + n, char)
            client.inline(1, 9 + n)
        (ahead,) = wait_for(client, AHEAD)
        assert "cancelled" not in ahead
    client.check_clean()


def test_a_request_ends_it_and_is_answered(tmp_path):
    with Client.fake(tmp_path, "--step-s", "0.02", "--texts", LONG) as client:
        client.start(initializationOptions={"deadlineMs": 1500})
        client.until_ready()
        client.open(CODE)
        assert client.inline(1, 8)
        time.sleep(0.3)  # it has begun, and has a second to go
        assert client.inline(2, 0, kind=1)
        ahead = wait_for(client, AHEAD)[0]
        assert ahead["cancelled"] == "a request came"
        assert ahead["tokens"]["decoded"] > 0
    client.check_clean()


def test_what_is_opened_is_parsed(tmp_path):
    with Client.fake(tmp_path) as client:
        client.start()
        client.until_ready()
        client.open(CODE)
        (read,) = wait_for(client, READ)
        assert (read["reason"], read["backend"]) == ("parsed", "")
    client.check_clean()


def test_what_is_typed_is_read_before_it_is_asked_about(tmp_path):
    with Client.fake(tmp_path) as client:
        client.start()
        client.until_ready()
        client.open(CODE)
        client.type(1, 8, "y")
        (warm,) = wait_for(client, WARM)
        assert (warm["offset"], warm["reason"], warm["outcome"]) == (len(CODE), "read", "empty")
        client.change({"text": CODE})
        client.type(0, 0, "#" * 500)  # pasted
        client.inline(1, 8)
        wait_for(client, AHEAD)
        assert len(wait_for(client, WARM)) == 1
    client.check_clean()


def test_nothing_is_done_unasked_where_that_is_not_wanted(tmp_path):
    with Client.fake(tmp_path) as client:
        client.start(initializationOptions={"lookAhead": False})
        client.until_ready()
        client.open(CODE)
        client.type(1, 8, "y")
        client.inline(1, 9)
        time.sleep(0.3)
        assert {record["method"] for record in client.traced()} == {INLINE}
    client.check_clean()


def test_silence_unloads_the_models_and_a_request_loads_them(tmp_path):
    with Client.fake(tmp_path, "--minute-s", "0.05") as client:
        client.start(initializationOptions={"idleUnloadMinutes": 10})
        client.until_ready()
        told = client.note("fimLsp/status")
        assert (told["state"], told["reason"][:24]) == ("ready", "unloaded after 10 min wi")
        client.open(CODE)
        assert client.inline(1, 8)[0]["insertText"] == "alpha + beta"
        assert [client.note("fimLsp/status")["state"] for _ in range(2)] == ["busy", "ready"]
    client.check_clean()
