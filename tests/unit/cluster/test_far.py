"""What becomes of a request whose decoder is lost, late or full."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from fim_lsp.cluster.far import FarDecoder, ReplicaLost
from fim_lsp.domain import Outcome, Snapshot, Suggestion
from fim_lsp.http.fault import Fault
from fim_lsp.http.guard import Caller

SNAP = Snapshot("http::", 0, "python", "x = ", 4)
ANSWER = Outcome((Suggestion(("1",)),))


def ask(*answers: Outcome | Exception | Callable, patience_s: float = 30.0) -> tuple[Outcome, list[str], list[str]]:
    """Return the outcome, the keys that were sent, and what was noted."""
    left, keys, noted = list(answers), [], []

    async def send(key: str, snap: Snapshot) -> Outcome:
        keys.append(key)
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return await answer() if callable(answer) else answer

    decoder = FarDecoder(send, patience_s, lambda name, value=1.0, **tags: noted.append((name, *tags.values())))
    return asyncio.run(decoder.complete(SNAP, Caller("alice"))), keys, noted


def test_an_answer_is_passed_on():
    assert ask(ANSWER)[0] == ANSWER


def test_a_lost_decoders_request_is_sent_again_in_its_session():
    outcome, keys, noted = ask(ReplicaLost(), ANSWER)
    assert outcome == ANSWER
    assert len(keys) == 2 and len(set(keys)) == 1
    assert noted == [("fim_lsp_lost",)]


def test_a_request_that_ends_its_decoders_ends_no_third():
    outcome, keys, noted = ask(ReplicaLost(), ReplicaLost(), ANSWER)
    assert (outcome.suggestions, len(keys)) == ((), 2)
    assert "lost" in outcome.reason
    assert noted[-1] == ("fim_lsp_given_up", "lost")


def test_patience_ends_in_an_empty_answer_and_the_decoder_is_told():
    cancelled = []

    async def never() -> Outcome:
        try:
            return await asyncio.Event().wait()
        finally:
            cancelled.append(True)

    outcome, _, noted = ask(never, patience_s=0.01)
    assert outcome.suggestions == ()
    assert cancelled and noted == [("fim_lsp_given_up", "patience")]


def test_a_fault_is_passed_on_and_not_tried_again():
    with pytest.raises(Fault) as problem:
        ask(Fault(503, "full"), ANSWER)
    assert problem.value.status == 503
