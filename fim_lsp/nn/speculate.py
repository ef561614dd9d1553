"""Greedy decoding in fewer passes: what followed the last tokens before is drafted, and a whole draft checked at once.

seen     self . loader . get ( family )  …  decoded so far   self . loader .
                            get ( family )                                 drafted: it followed `. loader .` before
one pass over                                                            . get ( family )
says                                                                       get ( name            one step each
kept                                                                       get ( name            until they differ

The steps are those of `decode.decode`, token for token. Drafts by prompt lookup need no second model; checking them
is the greedy case of speculative decoding (arXiv 2211.17192).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from fim_lsp.nn.decode import Model, Step, pick
from fim_lsp.nn.token_cache import TokenCache

SIZES = (3, 2)  # tokens that must have stood there before, the more telling first
MOST = 7  # tokens of a draft: with the one before them eight rows, which the int8 kernels take as they take one
GAP = -1  # between texts: no draft runs over it


class Lookup:
    """All tokens seen, where each few of them were followed last, and how well that foretold of late."""

    def __init__(self, *texts: list[int]):
        self.tokens = [token for text in texts for token in (GAP, *text)]
        self.after: dict[tuple[int, ...], int] = {}  # a few tokens: where the one after them stood last
        for size in SIZES:
            few = zip(*(self.tokens[at:] for at in range(size)), strict=False)
            self.after.update(zip(few, range(size, len(self.tokens)), strict=False))
        self.most = MOST // 2
        self.drafted = self.accepted = 0

    def add(self, token: int) -> None:
        """Take in the next token."""
        for size in SIZES:
            self.after[tuple(self.tokens[-size:])] = len(self.tokens)
        self.tokens.append(token)

    def draft(self, room: int) -> list[int]:
        """Return at most `room` tokens that may come next, none where the last ones stood nowhere before."""
        for size in SIZES:
            if (at := self.after.get(tuple(self.tokens[-size:]))) is not None:
                found = self.tokens[at : at + min(self.most, max(room, 0))]
                return found[: found.index(GAP)] if GAP in found else found
        return []

    def learn(self, drafted: int, accepted: int) -> None:
        """Draft more after a draft that held to its end, and after another one what would have held."""
        if drafted:
            self.most = min(2 * self.most, MOST) if accepted == drafted else max(accepted, 1)
        self.drafted += drafted
        self.accepted += accepted


def decode(
    model: Model,
    cache: TokenCache,
    first: Step,
    max_tokens: int,
    ends: frozenset[int],
    stop: Callable[[], bool],
    lookup: Lookup,
) -> Iterator[Step]:
    """Yield `first` and what greedily follows it, until an end token, the budget, or `stop`."""
    ready = deque([first])  # steps that are sure; the last one's token is not in the cache yet
    for left in reversed(range(max_tokens)):
        step = ready.popleft()
        if step.token in ends:
            return
        yield step
        lookup.add(step.token)
        if stop() or (not ready and len(cache) >= cache.capacity):
            return
        if left and not ready:
            draft = lookup.draft(min(left, cache.capacity - len(cache)) - 1)
            ready.extend(check(model, cache, step.token, draft))
            lookup.learn(len(draft), len(ready) - 1)


def check(model: Model, cache: TokenCache, token: int, draft: list[int]) -> list[Step]:
    """Append `token` and what holds of a draft; return the greedy step after each of these."""
    start, steps = len(cache), []
    for logits, drafted in zip(model.forward([token, *draft], cache, rows=len(draft) + 1), [*draft, None], strict=True):
        steps.append(pick(logits))
        if steps[-1].token != drafted:
            break
    cache.truncate(start + len(steps))
    return steps
