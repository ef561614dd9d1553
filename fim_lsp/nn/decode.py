"""Greedy decoding as small functions over token ids (the shape of it: gpt-fast)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from fim_lsp.nn.kv_cache import KVCache
from fim_lsp.nn.transformer import Decoder

CHUNK = 96  # tokens of prefill between two looks at the stop flag: some 30-40 ms on two cores


class Step(NamedTuple):
    """One decoded token and the probability the model gave it."""

    token: int
    probability: float


def prefill(model: Decoder, cache: KVCache, prompt: list[int], stop: Callable[[], bool]) -> Tensor | None:
    """Bring the cache to `prompt`, in chunks, and return the logits after it; None when stopped."""
    logits = None
    while len(cache) < len(prompt):
        if stop():
            return None
        logits = model.forward(prompt[len(cache) : len(cache) + CHUNK], cache)
    return logits


def decode_one(model: Decoder, cache: KVCache, token: int) -> Tensor:
    """Append one token and return the logits after it."""
    return model.forward([token], cache)


def pick(logits: Tensor) -> Step:
    """Return the likeliest token."""
    token = int(logits.argmax())
    return Step(token, float((logits[token] - torch.logsumexp(logits, 0)).exp()))


def rank(logits: Tensor, count: int) -> list[Step]:
    """Return the `count` likeliest tokens, best first."""
    best = torch.topk(logits.softmax(0), count)
    return [Step(int(token), float(p)) for p, token in zip(best.values, best.indices, strict=True)]


def decode(
    model: Decoder, cache: KVCache, first: Step, max_tokens: int, ends: frozenset[int], stop: Callable[[], bool]
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
    model: Decoder, cache: KVCache, first: Step, max_tokens: int, ends: frozenset[int], stop: Callable[[], bool]
) -> Iterator[tuple[Step, float]]:
    """Yield each greedy step with the probability that the text ends right after it, for a search over endings."""
    step, last = first, sorted(ends)
    for _ in range(max_tokens):
        if step.token in ends or stop() or len(cache) >= cache.capacity:
            return
        logits = decode_one(model, cache, step.token)
        yield step, float(logits.softmax(0)[last].sum())
        step = pick(logits)
