"""Greedy decoding as small functions over token ids (the shape of it: gpt-fast)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from fim_lsp.nn.token_cache import TokenCache

if TYPE_CHECKING:
    from fim_lsp.checkpoints.config import ModelConfig

CHUNK = 32  # tokens of prefill between two looks at the stop flag, where nobody knows how long they take

Logits = NDArray[np.float32]


class Model(Protocol):
    """A causal language model, whatever computes it."""

    @property
    def config(self) -> ModelConfig: ...

    def new_cache(self, capacity: int) -> Any:
        """Return an empty TokenCache of this model's own kind."""
        ...

    def forward(self, ids: list[int], cache: Any, rows: int = 1) -> Logits:
        """Append `ids` to the cached sequence; return the logits after each of the last `rows`, [rows, vocab]."""
        ...

    def run(self, ids: Sequence[int], positions: Sequence[int], cache: Any, start: int, look: Any) -> Any:
        """Return hidden states; keys and values go to the cache from `start` on, whose ids stay as they are."""
        ...

    def logits(self, hidden: Any) -> Logits:
        """Return the logits of hidden states, [rows, vocab]."""
        ...


class Step(NamedTuple):
    """One decoded token and the probability the model gave it."""

    token: int
    probability: float


def prefill(
    model: Model, cache: TokenCache, prompt: list[int], stop: Callable[[], bool], chunk: int = CHUNK
) -> Logits | None:
    """Bring the cache to `prompt`, in chunks, and return the logits after it, [vocab]; None when stopped.

    What was computed until then stays in the cache: the next prompt goes on from there.
    """
    rows = prefill_and_try(model, cache, prompt, (), stop, chunk)
    return None if rows is None else rows[0]


def prefill_and_try(
    model: Model,
    cache: TokenCache,
    prompt: list[int],
    further: Sequence[int],
    stop: Callable[[], bool],
    chunk: int = CHUNK,
) -> Logits | None:
    """Prefill and have tokens that may come next in the last pass, too.

    Return the logits after the prompt and after each of these, [1 + further, vocab].
    """
    rows = None
    while len(cache) < len(prompt):
        if stop():
            return None
        ids = prompt[len(cache) : len(cache) + chunk]
        is_last = len(cache) + len(ids) == len(prompt)
        rows = model.forward([*ids, *further], cache, 1 + len(further)) if is_last else model.forward(ids, cache)
    return rows


def decode_one(model: Model, cache: TokenCache, token: int) -> Logits:
    """Append one token and return the logits after it, [vocab]."""
    logits: Logits = model.forward([token], cache)[0]
    return logits


def probabilities(logits: Logits) -> Logits:
    """Return the softmax of logits [vocab]."""
    weights: Logits = np.exp(logits - logits.max())
    weights /= weights.sum()
    return weights


def only(logits: Logits, *tokens: Sequence[int]) -> Logits:
    """Return the logits of some tokens, given in parts, those of all others at minus infinity."""
    masked = np.full_like(logits, -np.inf)
    for part in tokens:
        masked[part] = logits[part]
    return masked


def pick(logits: Logits) -> Step:
    """Return the likeliest token."""
    return step_of(logits, int(logits.argmax()))


def step_of(logits: Logits, token: int) -> Step:
    """Return a token with its probability."""
    return Step(token, 1.0 / float(np.exp(logits - logits[token]).sum()))


def rank(logits: Logits, count: int) -> list[Step]:
    """Return the `count` likeliest tokens, best first; none that has no chance."""
    likely = probabilities(logits)
    best = np.argpartition(-likely, count - 1)[:count] if count < len(likely) else np.arange(len(likely))
    ranked = best[np.argsort(-likely[best], kind="stable")]
    return [Step(int(token), float(likely[token])) for token in ranked if likely[token] > 0]


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
        yield step, float(probabilities(logits)[last].sum())
        step = pick(logits)
