"""Greedy decoding as small functions over token ids (the shape of it: gpt-fast)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np

from fim_lsp.nn.arrays import Floats
from fim_lsp.nn.checkpoint import ModelConfig
from fim_lsp.nn.token_cache import TokenCache

CHUNK = 96  # tokens of prefill between two looks at the stop flag: some 30-40 ms on two cores


class Model(Protocol):
    """A causal language model: the compiled one of nn/native, or torch's of nn/transformer.py."""

    @property
    def config(self) -> ModelConfig: ...

    def new_cache(self, capacity: int) -> Any:
        """Return an empty TokenCache of the model's own kind."""
        ...

    def forward(self, ids: list[int], cache: Any, rows: int = 1) -> Floats:
        """Append `ids` to the cached sequence and return the logits after the last `rows` of them, [rows, vocab]."""
        ...


class Step(NamedTuple):
    """One decoded token and the probability the model gave it."""

    token: int
    probability: float


def prefill(model: Model, cache: TokenCache, prompt: list[int], stop: Callable[[], bool]) -> Floats | None:
    """Bring the cache to `prompt`, in chunks, and return the logits after it; None when stopped."""
    logits: Floats | None = None
    while len(cache) < len(prompt):
        if stop():
            return None
        logits = model.forward(prompt[len(cache) : len(cache) + CHUNK], cache)[0]
    return logits


def decode_one(model: Model, cache: TokenCache, token: int) -> Floats:
    """Append one token and return the logits after it."""
    logits: Floats = model.forward([token], cache)[0]
    return logits


def pick(logits: Floats) -> Step:
    """Return the likeliest token."""
    token = int(logits.argmax())
    return Step(token, float(1 / np.exp(logits - logits[token]).sum()))


def rank(logits: Floats, count: int) -> list[Step]:
    """Return the `count` likeliest tokens, best first."""
    if count == 1:
        return [pick(logits)]
    shares = softmax(logits)
    best = np.argsort(-shares, kind="stable")[:count]
    return [Step(int(token), float(shares[token])) for token in best]


def softmax(logits: Floats) -> Floats:
    """Return the probabilities [vocab]."""
    shares: Floats = np.exp(logits - logits.max())
    shares /= shares.sum()
    return shares


def decode(
    model: Model, cache: TokenCache, first: Step, max_tokens: int, ends: frozenset[int], stop: Callable[[], bool]
) -> Iterator[Step]:
    """Yield `first` and what greedily follows it, until an end token, the budget, or `stop`."""
    step = first
    for _ in range(max_tokens):
        if step.token in ends:
            return
        yield step
        if stop() or len(cache) >= cache.capacity:
            return
        step = pick(decode_one(model, cache, step.token))


def decode_with_endings(
    model: Model, cache: TokenCache, first: Step, max_tokens: int, ends: frozenset[int], stop: Callable[[], bool]
) -> Iterator[tuple[Step, float]]:
    """Yield each greedy step with the probability that the text ends right after it, for a search over endings."""
    step, last = first, sorted(ends)
    for _ in range(max_tokens):
        if step.token in ends or stop() or len(cache) >= cache.capacity:
            return
        logits = decode_one(model, cache, step.token)
        yield step, float(softmax(logits)[last].sum())
        step = pick(logits)
