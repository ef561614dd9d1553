"""`fimLsp/compare` over the protocol: both families at one cursor."""

from __future__ import annotations

import pytest

from tests.client import CODE, LONG, PAIR, Client

pytestmark = pytest.mark.alone


def test_both_families_side_by_side(tmp_path):
    with Client.fake(tmp_path, *PAIR) as client:
        client.start()
        client.until_ready()
        client.open('a = b = 0\nif f("😀", )\n')
        answer = client.compare(1, 11)
        assert answer["reason"] == ""
        gpt, bert = answer["sides"]
        assert (gpt["family"], gpt["item"]["insertText"]) == ("gpt", "a + b")
        assert (bert["family"], bert["item"]["insertText"]) == ("bert", "a):")
        assert gpt["item"]["range"] == {"start": {"line": 1, "character": 11}, "end": {"line": 1, "character": 11}}
        assert bert["item"]["range"] == {"start": {"line": 1, "character": 11}, "end": {"line": 1, "character": 12}}
        assert gpt["confidence"] == bert["confidence"] == 0.9
        for side in (gpt, bert):
            cold = side["runs"]["cold"]
            assert cold["totalMs"] >= sum(cold["timings"].values())
        assert answer["taken"] == answer["choice"]["family"] == "gpt"
        assert set(answer["choice"]["expectedMs"]) == {"gpt", "bert"}
        client.inline(1, 11)
        assert client.explain(1, 11)["shown"] == ["a + b"]
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
        client.until_state("busy")
        client.notify("$/cancelRequest", {"id": cancelled})
        assert client.wait(cancelled, 2)["error"]["code"] == -32800
        older = client.ask_compare(1, 8)
        client.until_state("busy")
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
