"""Snippets of other files in the decoder's prompt: the form it was tuned with, and only where time is left to read."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from fim_lsp.backends.costs import Cost
from fim_lsp.backends.reader import SNIPPET_TOKENS
from fim_lsp.domain import Cancel, FimRequest, GenerationLimits, Meter, Snippet
from tests.unit.backends import scripted as scripts

OTHERS = (Snippet("lib/store.py", "def load():\n    return 1", ""), Snippet("lib/paint.py", "x = 2", ""))
ASK = FimRequest(("total = ", "\nprint(total)\n"), GenerationLimits(), OTHERS, "python", "lib/here.py")


@pytest.fixture
def backend(monkeypatch):
    monkeypatch.setattr(scripts.Scripted.config, "fim", scripts.FIM | {"file": "<|file_sep|>"})
    return scripts.scripted("load()")


def told(backend, request: FimRequest = ASK) -> str:
    ids = backend.reader.prompt(*request.segments, request).ids
    return backend.tokenizer.inner.decode(ids, skip_special_tokens=False)


def test_the_form_is_that_of_training(backend):
    assert told(backend) == (
        "<|file_sep|>lib/store.py\ndef load():\n    return 1\n"
        "<|file_sep|>lib/paint.py\nx = 2\n"
        "<|file_sep|>lib/here.py\n"
        "<|fim_suffix|>\nprint(total)\n<|fim_prefix|>total =<|fim_middle|>"
    )


def test_without_a_path_of_its_own_a_file_is_shown_no_other(backend):
    assert told(backend, replace(ASK, path="")) == told(backend, replace(ASK, path="", snippets=()))


def test_a_snippet_is_cut_and_a_third_is_left_out(backend):
    long = Snippet("lib/long.py", "word " * 1000, "")
    ids = backend.reader.prompt(*ASK.segments, replace(ASK, snippets=(long, long, long))).ids
    alone = backend.reader.prompt(*ASK.segments, replace(ASK, snippets=())).ids
    assert len(ids) - len(alone) == 2 * SNIPPET_TOKENS


def test_a_model_that_knows_no_files_reads_none():
    plain = scripts.scripted("load()")
    assert "lib/" not in told(plain)


def test_where_reading_takes_too_long_they_are_left_out_but_not_once_they_are_read(backend):
    slow, quick = Cost(token_ms=20.0, step_ms=1.0), Cost(token_ms=0.01, step_ms=1.0)
    soon = replace(ASK, limits=GenerationLimits(deadline=time.monotonic() + 1.0))
    backend.reader.cost = slow
    assert "store" not in told(backend, soon)
    backend.reader.cost = quick
    for drafts in backend.generate(ASK, Cancel(), Meter()):
        list(drafts)
    backend.reader.cost = slow
    typed = replace(soon, segments=("total = lo", ASK.segments[1]))
    assert "store" in told(backend, typed)
