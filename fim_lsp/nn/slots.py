"""Fill a span by mask slots behind a decoder's context, several tokens a pass (Fast-dLLM, arXiv 2505.22618).

prompt … <middle> ║ self ▢ ▢ ▢ ▢ ▢      the first token is the decoder's own, known once the prompt was read
pass 1              self . ▢ ( ▢ <end>  what is sure stands, and always the leftmost open slot
pass 2              self . close ( ) <end>

Slot j comes in as the token of slot j - 1, the first one as the middle sentinel, and says token j.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from fim_lsp.checkpoints.files import Floats
from fim_lsp.nn.decode import Step, pick
from fim_lsp.nn.encoder import log_softmax

UNKNOWN = -1  # the token of a slot that nothing was put into yet


class SlotModel(Protocol):
    """A decoder with a low-rank part for slots."""

    def run(
        self, ids: Any, positions: Any, cache: Any, start: int, look: Any, is_over: Any = None, is_slots: bool = False
    ) -> Any: ...

    def logits(self, hidden: Any) -> Floats: ...

    def forward(self, ids: list[int], cache: Any, rows: int = 1) -> Floats: ...


@dataclass(frozen=True)
class Policy:
    """How slots are filled: the knobs between quality and latency."""

    passes: int = 2  # at each canvas, at most
    sure: float = 0.9  # what a token's probability must be to stand before the last pass
    canvas: int = 8  # slots, for a line
    block_canvas: int = 16


@dataclass
class SlotSpan:
    """A canvas that fills up: the tokens known so far, and the probability that each was said with."""

    tokens: list[int]
    probabilities: list[float]

    @classmethod
    def begin(cls, first: Step, size: int) -> SlotSpan:
        return cls([first.token, *[UNKNOWN] * (size - 1)], [first.probability, *[0.0] * (size - 1)])

    def length(self, is_end: Callable[[int], bool]) -> int:
        """Return up to where tokens count: through the first end, or all."""
        found = (at + 1 for at, token in enumerate(self.tokens) if token != UNKNOWN and is_end(token))
        return next(found, len(self.tokens))

    def waiting(self, is_end: Callable[[int], bool]) -> list[int]:
        """Return the slots that are still to be filled."""
        return [at for at in range(self.length(is_end)) if self.tokens[at] == UNKNOWN]

    def known(self, is_end: Callable[[int], bool]) -> list[Step]:
        """Return the tokens up to the end or the first gap."""
        length = self.length(is_end)
        gap = next((at for at in range(length) if self.tokens[at] == UNKNOWN), length)
        return [Step(*one) for one in zip(self.tokens[:gap], self.probabilities[:gap], strict=True)]


def fill(
    model: SlotModel,
    cache: Any,
    prompt: Sequence[int],
    first: Step,
    policy: Policy,
    size: int,
    most: int,
    is_end: Callable[[int], bool],
    stop: Callable[[], bool],
) -> Iterator[tuple[list[Step], int]]:
    """Yield the tokens so far and the passes taken, after each canvas of `size` slots, to an end or `most` tokens.

    `cache` holds at least the prompt but its last token, the middle sentinel, and stands for that when this ends. A
    canvas without an end is read by the decoder, which says the first token of the next (arXiv 2503.09573).
    """
    said: list[Step] = []
    cache.truncate(len(prompt) - 1)
    last = prompt[-1]
    while True:
        span = SlotSpan.begin(first, min(size, most - len(said), cache.capacity - len(cache)))
        passes = _fill_one(model, cache, last, span, policy, is_end, stop)
        said += span.known(is_end)
        if not said or is_end(said[-1].token) or len(said) >= most or len(cache) + len(span.tokens) >= cache.capacity:
            break
        yield list(said), passes
        if stop():
            break
        first = pick(model.forward([last, *span.tokens], cache)[0])
        cache.truncate(len(cache) - 1)
        last = span.tokens[-1]
    cache.truncate(len(prompt) - 1)
    yield said, passes


def score_endings(
    model: SlotModel, cache: Any, prompt: Sequence[int], ids: Sequence[int], ends: Sequence[int]
) -> list[float]:
    """Return for each beginning of `ids` the decoder's log-probability that it is said and ends there, in one pass."""
    cache.truncate(len(prompt) - 1)
    said = log_softmax(model.forward([prompt[-1], *ids], cache, rows=len(ids) + 1))
    cache.truncate(len(prompt) - 1)
    so_far = np.cumsum(said[np.arange(len(ids)), list(ids)])
    ended = np.log(np.exp(said[1:, list(ends)]).sum(1) + 1e-9)
    return [float(score) for score in so_far + ended]


def _fill_one(
    model: SlotModel,
    cache: Any,
    last: int,
    span: SlotSpan,
    policy: Policy,
    is_end: Callable[[int], bool],
    stop: Callable[[], bool],
) -> int:
    """Fill one canvas behind what the cache stands for and `last`; returns the passes taken."""
    start, passes = len(cache), 0
    while (waiting := span.waiting(is_end)) and passes < policy.passes and not stop():
        passes += 1
        ids = [last, *span.tokens[:-1]]
        hidden = model.run(ids, range(start, start + len(ids)), cache, start, "all", is_slots=True)
        logits = model.logits(np.ascontiguousarray(hidden[waiting]))
        best = logits.argmax(1)
        said = 1 / np.exp(logits - logits[np.arange(len(best)), best][:, None]).sum(1)
        sure = policy.sure if passes < policy.passes else 0.0
        for n, at in enumerate(waiting):
            if n and said[n] < sure:
                continue
            span.tokens[at], span.probabilities[at] = int(best[n]), float(said[n])
            if is_end(span.tokens[at]):
                break
    return passes
