"""People who type before an endpoint that has no model."""

from __future__ import annotations

import random

from fim_lsp.backends.fake import FakeBackend
from fim_lsp.lab.bench.latency.traces import read
from fim_lsp.lab.cluster import crowd
from tests.http_server import TOKEN, serving


def test_people_type_and_are_answered(monkeypatch):
    monkeypatch.setattr(crowd, "SETTLE_S", 0.5)
    with serving(FakeBackend("alpha + beta")) as server:
        told = crowd.measure(read(), f"http://127.0.0.1:{server.port}", TOKEN, typists=3, seconds=3)
    assert told["failures"] == []
    assert 0 < told["answered"] <= told["asks"]
    assert told["with_text"] > 0
    assert told["answered_ms"]["p95"] > 0


def test_a_refusal_is_no_answer(monkeypatch):
    monkeypatch.setattr(crowd, "SETTLE_S", 0.5)
    with serving(FakeBackend("alpha")) as server:
        told = crowd.measure(read(), f"http://127.0.0.1:{server.port}", "wrong", typists=1, seconds=1)
    assert told["failures"] and "401" in told["failures"][0]


def test_a_trace_begun_elsewhere_ends_as_it_was_to_end():
    for seed in range(5):
        first, *_ = crowd.from_anywhere(read()[:2], random.Random(seed))
        text = first.begun()
        for offset, wanted, _ in first.located_edits():
            text = text[:offset] + wanted + text[offset:]
        assert text == first.final
