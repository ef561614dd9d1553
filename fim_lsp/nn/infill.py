"""Fill canvases in a few parallel passes (DreamOn, arXiv 2602.01326; parallel commits: Fast-dLLM, arXiv 2505.22618).

pass 1   ▢ ▢ ▢ ▢ ▢ ▢ ▢ ▢     every sure position is committed, and at least the surest
pass 2   w ▢ h ▢ ✂ ▢ ▢ ▢     the first [delete] drops what is right of it; <expand> adds sixteen
pass 3   w * h
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import product
from typing import Any, Protocol

import numpy as np

from fim_lsp.checkpoints.files import Floats
from fim_lsp.checkpoints.marks import Marks
from fim_lsp.nn.canvas import GAP, Canvas, Layout

EXPANSION = 16
LEFTMOST = 1e3  # added to a log-probability to have it committed


class SpanModel(Protocol):
    """A model that reads a context once and scores canvases against it as often as needed."""

    def read(self, layout: Layout, is_over: Callable[[], bool] | None = None) -> Any:
        """Return a context as `score_canvases` takes it, None when it was over meanwhile."""
        ...

    def score_canvases(self, reading: Any, canvases: Sequence[Canvas], wanted: int, banned: Sequence[int]) -> Floats:
        """Return log-probabilities [slots holding `wanted`, vocab], `banned` ids having none."""
        ...


@dataclass(frozen=True)
class InfillRecipe:
    """How to decode; the `infill` table of config.json may say otherwise."""

    passes: int = 4
    sure: float = 0.9
    leftmost: bool = False  # what a pass commits at the least: the leftmost mask of each hole, or else the surest
    keep: int = 1  # canvases that go on after the first pass
    canvases: tuple[int, ...] = (1, 2, 3, 4, 6, 8, 12, 16)  # short ones: a length that is tried need not be guessed
    block_canvases: tuple[int, ...] = (4, 8, 16, 32)
    length_bonus: float = 0.0  # added to a canvas's mean log-probability for each doubling of its length
    prefix_tokens: int = 384
    suffix_tokens: int = 128

    @classmethod
    def read(cls, table: Mapping[str, Any]) -> InfillRecipe:
        """Take what the table says and the defaults for the rest."""
        given: dict[str, Any] = {f.name: table[f.name] for f in fields(cls) if f.name in table}
        tuples: dict[str, Any] = {name: tuple(value) for name, value in given.items() if isinstance(value, list)}
        return cls(**(given | tuples))


@dataclass
class Fill:
    """One hole's canvas: what is committed, masks elsewhere, and a reading of it all by the latest pass."""

    contents: list[int]
    scores: list[float]  # log-probability of each committed content; of a mask, nothing yet
    end: list[float] = field(default_factory=list)  # of the [delete] that ended it, once that is committed
    guess: list[int] = field(default_factory=list)  # contents with the likeliest token for each mask, up to its end
    log_probs: list[float] = field(default_factory=list)  # of each token of the guess, and of its end where one is said
    total: float = -math.inf  # log-probability of the guess; none before the first pass
    mean: float = -math.inf  # the same for each token

    @classmethod
    def blank(cls, size: int, mask: int) -> Fill:
        return cls([mask] * size, [0.0] * size)

    def read(self, tokens: list[int], scores: list[float], marks: Marks) -> None:
        """Take tokens and scores, committed or predicted, for all of the canvas."""
        end = next((at for at, token in enumerate(tokens) if token in marks.own), len(tokens))
        self.guess = tokens[:end]
        self.log_probs = scores[: end + 1] + (self.end if end == len(tokens) else [])
        self.total = sum(self.log_probs) if self.log_probs else -math.inf
        self.mean = self.total / max(len(self.log_probs), 1)

    def commit(self, tokens: list[int], scores: list[float], limit: float, marks: Marks) -> None:
        """Write what reaches `limit` into the masks; a [delete] ends the canvas, an <expand> makes room."""
        for at, known in enumerate(list(self.contents)):
            if known != marks.mask or scores[at] < limit:
                continue
            if tokens[at] == marks.delete:
                self.end = [_plain(scores[at])]
                del self.contents[at:], self.scores[at:]
                return
            if tokens[at] == marks.expand:
                more = min(EXPANSION, GAP - len(self.contents) + 1)
                self.contents[at:] = [marks.mask] * (len(self.contents) - at - 1 + more)
                self.scores[at:] = [0.0] * (len(self.contents) - at)
                return  # what stood right of it was predicted for another length
            self.contents[at], self.scores[at] = tokens[at], _plain(scores[at])


@dataclass
class FillCandidate:
    """A canvas for each hole of the row, decoded jointly."""

    fills: list[Fill]

    def is_done(self, mask: int) -> bool:
        return not any(mask in fill.contents for fill in self.fills)

    def score(self, bonus: float) -> float:
        """Mean log-probability over the holes, corrected for length."""
        lengths = sum(math.log2(1 + len(fill.guess)) for fill in self.fills)
        return (sum(fill.mean for fill in self.fills) + bonus * lengths) / len(self.fills)


def blank(sizes: Sequence[int], holes: int, mask: int) -> list[FillCandidate]:
    """Return a candidate of all masks for each size."""
    return [FillCandidate([Fill.blank(size, mask) for _ in range(holes)]) for size in sizes]


def short_fills(
    model: SpanModel, marks: Marks, reading: Any, holes: int, counts: Sequence[int]
) -> list[list[tuple[float, list[int]]]]:
    """Return for each hole (log-probability, ids) of all its likely short fills, best first.

    A canvas of n masks gives `counts[n-1]` tokens for each slot, every combination of which is a fill of n tokens.
    """
    sizes = range(1, len(counts) + 1)
    canvases = [[[marks.mask] * size] * holes for size in sizes]
    seen = iter(model.score_canvases(reading, canvases, marks.mask, (marks.begin, *marks.own)))
    found: list[list[tuple[float, list[int]]]] = [[] for _ in range(holes)]
    for size in sizes:
        for hole in found:
            rows = [next(seen) for _ in range(size)]
            slots = [_likeliest(row, counts[size - 1]) for row in rows]
            for picks in product(*slots):
                hole.append((sum(score for score, _ in picks), [token for _, token in picks]))
    return [sorted(hole, key=lambda one: -one[0]) for hole in found]


def _likeliest(row: Floats, count: int) -> list[tuple[float, int]]:
    """Return (log-probability, id) of the `count` likeliest tokens, best first."""
    best = np.argpartition(-row, min(count, len(row) - 1))[:count]
    return sorted(((float(row[token]), int(token)) for token in best), reverse=True)


def fill(
    model: SpanModel,
    marks: Marks,
    reading: Any,
    candidates: list[FillCandidate],
    recipe: InfillRecipe,
    stop: Callable[[], bool],
    keep: int,
) -> Iterator[list[FillCandidate]]:
    """Yield the candidates after each pass, changed in place; after `stop` the last ones are the best there is.

    The first pass looks at all of them, the others at the `keep` best.
    """
    for number in range(recipe.passes):
        if number == 1:
            candidates.sort(key=lambda candidate: candidate.score(recipe.length_bonus), reverse=True)
            del candidates[keep:]
        open_ones = [c for c in candidates if not c.is_done(marks.mask)]
        if stop() or not open_ones:
            return
        canvases = [[f.contents for f in c.fills] for c in open_ones]
        seen = model.score_canvases(reading, canvases, marks.mask, (marks.begin, marks.mask))
        tokens = seen.argmax(-1)
        best = np.take_along_axis(seen, tokens[:, None], -1)[:, 0]
        sure = 0.0 if number + 1 == recipe.passes else recipe.sure
        at = 0
        for candidate in open_ones:
            count = sum(f.contents.count(marks.mask) for f in candidate.fills)
            said = tokens[at : at + count].tolist(), best[at : at + count].tolist()
            _commit(candidate, marks, *said, sure, recipe.leftmost)
            at += count
        yield candidates


def _commit(
    candidate: FillCandidate, marks: Marks, tokens: list[int], scores: list[float], sure: float, leftmost: bool
) -> None:
    """Give a pass's predictions for a candidate's masks to its fills; one is committed however unsure."""
    limit = math.log(sure) if sure else -math.inf
    limit = limit if leftmost else min(limit, max(scores))
    said = iter(zip(tokens, scores, strict=True))
    for one in candidate.fills:
        pairs = [next(said) if c == marks.mask else (c, s) for c, s in zip(one.contents, one.scores, strict=True)]
        likeliest, likely = [token for token, _ in pairs], [score for _, score in pairs]
        one.read(likeliest, likely, marks)
        if leftmost and marks.mask in one.contents:
            likely[one.contents.index(marks.mask)] += LEFTMOST
        one.commit(likeliest, likely, limit, marks)


def _plain(score: float) -> float:
    return score - LEFTMOST if score > 0 else score
