"""A decoder of a cluster, without the cluster."""

from __future__ import annotations

import asyncio
import threading

import pytest

from fim_lsp.backends.fake import FakeBackend
from fim_lsp.cluster import replica
from fim_lsp.cluster.replica import DecoderReplica, StuckDecoder
from fim_lsp.domain import Snippet
from fim_lsp.http.place import SENT, CompletionAsk, TextAround
from fim_lsp.pipeline.completer import Completer
from fim_lsp.settings import Config


@pytest.fixture(autouse=True)
def own_threads(monkeypatch):
    """Take back how many threads a decoder is given."""
    monkeypatch.setenv("FIM_LSP_THREADS", "1")


OTHER = Snippet("other.py", "y = 2", SENT)


def decoder(backend: FakeBackend, noted: list | None = None) -> DecoderReplica:
    def make(settings):
        completer = Completer(Config(backend="gpt", deadline_ms=60_000), lambda family, wanted: backend)
        completer.router.ready()
        return completer

    def note(name: str, value: float = 1.0, **tags: str) -> None:
        (noted if noted is not None else []).append((name, *tags.values()))

    return DecoderReplica(make, {}, 3, note)


def snap(prefix: str):
    return CompletionAsk(TextAround(prefix, "\n", "a.py", snippets=(OTHER,))).snapshot()


def test_an_outcome_carries_no_other_files_home():
    backend, noted = FakeBackend("alpha + beta"), []
    one = decoder(backend, noted)
    outcome = asyncio.run(one.complete("session", snap("x = ")))
    assert outcome.suggestions[0].text == "alpha + beta"
    assert backend.requests[-1].snippets and not outcome.snippets
    assert noted == [("fim_lsp_decoder_ms",), ("fim_lsp_tokens", "decoded")]
    one.queue.stop()


def test_a_document_has_one_name_in_all_processes():
    assert snap("x = ").uri == "http:None:e68f7992f9d9acb8:a.py"


def test_what_one_was_told_is_not_told_another():
    backend = FakeBackend("alpha + beta")
    one = decoder(backend)

    async def ask(session: str) -> int:
        await one.complete(session, snap("x = "))
        return len(backend.requests)

    async def all_of_them() -> list[int]:
        return [await ask(session) for session in ("alice", "alice", "bob")]

    assert asyncio.run(all_of_them()) == [1, 1, 2]
    one.queue.stop()


def test_a_stuck_decoder_is_no_healthy_one(monkeypatch):
    begun, let_go = threading.Event(), threading.Event()

    class Stuck(FakeBackend):
        def _drafts(self, *args):
            begun.set()
            let_go.wait(30)
            yield from super()._drafts(*args)

    one = decoder(Stuck("alpha"))
    one.check_health()

    async def run() -> None:
        work = asyncio.ensure_future(one.complete("session", snap("x = ")))
        await asyncio.to_thread(begun.wait, 30)
        one.check_health()
        monkeypatch.setattr(replica, "STUCK_S", -1.0)
        with pytest.raises(StuckDecoder):
            one.check_health()
        monkeypatch.setattr(replica, "STUCK_S", 20.0)
        let_go.set()
        await work

    asyncio.run(run())
    assert one.queue.busy_s() == 0.0
    one.queue.stop()
