"""Drafts change how many passes a decode takes, and nothing else."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fim_lsp.nn import decode, speculate
from fim_lsp.nn.decode import Step
from fim_lsp.nn.speculate import GAP, MOST, Lookup
from fim_lsp.nn.token_cache import TokenCache

VOCAB = 6
TOKENS = st.lists(st.integers(0, VOCAB - 1), min_size=1, max_size=30)


class Scripted:
    """A model without weights: its logits are drawn by the last two tokens, or said by a script."""

    def __init__(self, seed: int = 0, script: list[int] | None = None):
        self.rows = np.random.default_rng(seed).normal(size=(VOCAB, VOCAB, VOCAB)).astype(np.float32)
        self.script, self.passes = script, 0

    def new_cache(self, capacity: int) -> TokenCache:
        return TokenCache(capacity)

    def forward(self, ids: list[int], cache: TokenCache, rows: int = 1) -> np.ndarray:
        assert len(cache) + len(ids) <= cache.capacity
        assert GAP not in ids
        cache.ids.extend(ids)
        self.passes += 1
        return np.stack([self._row(cache.ids[: len(cache) - back]) for back in reversed(range(rows))])

    def _row(self, ids: list[int]) -> np.ndarray:
        if self.script is None:
            return self.rows[ids[-2] if len(ids) > 1 else 0, ids[-1]]
        row = np.zeros(VOCAB, np.float32)
        row[self.script[len(ids) % len(self.script)]] = 9
        return row


def never() -> bool:
    return False


def stop_after(looks: int):
    count = itertools.count(1)
    return lambda: next(count) > looks


def run(how, model: Scripted, prompt: list[int], capacity: int, *args) -> list[Step]:
    cache = model.new_cache(capacity)
    first = decode.pick(decode.prefill(model, cache, prompt, never))
    return list(how(model, cache, first, *args))


@settings(max_examples=600, deadline=None)
@given(
    seed=st.integers(0, 40),
    prompt=TOKENS,
    told=TOKENS,
    room=st.integers(0, 40),
    budget=st.integers(0, 40),
    ends=st.frozensets(st.integers(0, VOCAB - 1), max_size=1),
    looks=st.integers(0, 40),
)
def test_the_steps_are_those_of_plain_decoding(seed, prompt, told, room, budget, ends, looks):
    capacity = len(prompt) + room
    plain = run(decode.decode, Scripted(seed), prompt, capacity, budget, ends, stop_after(looks))
    lookup = Lookup(told, prompt)
    quick = run(speculate.decode, Scripted(seed), prompt, capacity, budget, ends, stop_after(looks), lookup)
    assert [step.token for step in quick] == [step.token for step in plain]
    assert [step.probability for step in quick] == pytest.approx([step.probability for step in plain])
    assert 0 <= lookup.accepted <= lookup.drafted


def test_a_repetition_takes_fewer_passes():
    model = Scripted(script=[0, 1, 2, 3, 4, 5])
    prompt = [0, 1, 2, 3, 4, 5] * 2
    steps = run(speculate.decode, model, prompt, 100, 48, frozenset(), never, Lookup(prompt))
    assert [step.token for step in steps] == [0, 1, 2, 3, 4, 5] * 8
    assert model.passes < 16


def test_what_stays_in_the_cache_is_what_was_said():
    model = Scripted(script=[0, 1, 2, 3])
    cache = model.new_cache(100)
    model.forward([0, 1, 2, 3], cache)
    lookup = Lookup([0, 1, 2, 3, 0, 1, 5, 5, 5])
    for step in speculate.decode(model, cache, Step(0, 1.0), 12, frozenset(), never, lookup):
        assert cache.ids == [at % 4 for at in range(len(cache))], step
    assert lookup.accepted < lookup.drafted


def test_a_draft_needs_a_match_and_ends_where_its_text_does():
    lookup = Lookup([1, 2, 3], [4, 5, 1, 2])
    assert lookup.draft(9) == [3]
    assert Lookup([1, 2, 3], [4, 5]).draft(9) == []
    assert lookup.draft(0) == []
    assert lookup.draft(-1) == []


def test_the_longer_match_and_then_the_later_one_counts():
    assert Lookup([9, 1, 2, 3], [8, 1, 2, 4], [9, 1, 2]).draft(9) == [3]
    assert Lookup([9, 1, 2, 3], [8, 1, 2, 4], [7, 1, 2]).draft(9) == [4]


def test_drafts_grow_while_they_hold_and_shrink_when_they_do_not():
    lookup = Lookup([*range(30)], [0, 1, 2])
    lengths = []
    for accepted in (1.0, 1.0, 0.0, 1.0):
        length = len(lookup.draft(99))
        lengths.append(length)
        lookup.learn(length, int(length * accepted))
    assert lengths == [MOST // 2, 2 * (MOST // 2), MOST, 1]
