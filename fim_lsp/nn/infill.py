"""Fill canvases in a few parallel passes (DreamOn, arXiv 2602.01326; parallel commits: Fast-dLLM, arXiv 2505.22618).

pass 1   ▢ ▢ ▢ ▢ ▢ ▢ ▢ ▢     every sure position is committed, and at least the surest
pass 2   w ▢ h ▢ ✂ ▢ ▢ ▢     the first [delete] drops what is right of it; <expand> adds sixteen
pass 3   w * h
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from fim_lsp.nn.canvas import CANVASES, GAP, Marks
from fim_lsp.nn.encoder import Encoder, Reading

EXPANSION = 16


@dataclass(frozen=True)
class Recipe:
    """How to decode; the `infill` table of config.json may say otherwise."""

    passes: int = 4
    sure: float = 0.9
    canvases: tuple[int, ...] = CANVASES
    block_canvases: tuple[int, ...] = (16, 48)
    length_bonus: float = 0.0  # added to a canvas's mean log-probability for each doubling of its length
    threshold: float = 0.0  # a confidence below it is not worth showing
    prefix_tokens: int = 384
    suffix_tokens: int = 128

    @classmethod
    def read(cls, table: Mapping[str, Any]) -> Recipe:
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
    total: float = -math.inf  # log-probability of the guess; none before the first pass
    mean: float = -math.inf  # the same for each token

    @classmethod
    def blank(cls, size: int, mask: int) -> Fill:
        return cls([mask] * size, [0.0] * size)

    def read(self, tokens: list[int], scores: list[float], marks: Marks) -> None:
        """Take tokens and scores, committed or predicted, for all of the canvas."""
        end = next((at for at, token in enumerate(tokens) if token in marks.own), len(tokens))
        self.guess = tokens[:end]
        read = scores[: end + 1] + (self.end if end == len(tokens) else [])
        self.total = sum(read) if read else -math.inf
        self.mean = self.total / max(len(read), 1)

    def commit(self, tokens: list[int], scores: list[float], limit: float, marks: Marks) -> None:
        """Write what reaches `limit` into the masks; a [delete] ends the canvas, an <expand> makes room."""
        for at, known in enumerate(list(self.contents)):
            if known != marks.mask or scores[at] < limit:
                continue
            if tokens[at] == marks.delete:
                self.end = [scores[at]]
                del self.contents[at:], self.scores[at:]
                return
            if tokens[at] == marks.expand:
                more = min(EXPANSION, GAP - len(self.contents) + 1)
                self.contents[at:] = [marks.mask] * (len(self.contents) - at - 1 + more)
                self.scores[at:] = [0.0] * (len(self.contents) - at)
                return  # what stood right of it was predicted for another length
            self.contents[at], self.scores[at] = tokens[at], scores[at]


@dataclass
class Candidate:
    """A canvas for each hole of the row, decoded jointly."""

    fills: list[Fill]

    def is_done(self, mask: int) -> bool:
        return not any(mask in fill.contents for fill in self.fills)

    def score(self, bonus: float) -> float:
        """Mean log-probability over the holes, corrected for length."""
        lengths = sum(math.log2(1 + len(fill.guess)) for fill in self.fills)
        return (sum(fill.mean for fill in self.fills) + bonus * lengths) / len(self.fills)


def blank(sizes: Sequence[int], holes: int, mask: int) -> list[Candidate]:
    """Return a candidate of all masks for each size."""
    return [Candidate([Fill.blank(size, mask) for _ in range(holes)]) for size in sizes]


def openings(encoder: Encoder, marks: Marks, reading: Reading, size: int, count: int) -> list[Candidate]:
    """Return `count` candidates that begin with the likeliest first tokens of each hole, best first, never empty."""
    holes = len(reading.holes)
    seen = encoder.look(reading, [[[marks.mask] * size] * holes], marks.mask, (marks.begin, *marks.own))
    best = seen[::size].topk(count)  # the first slot of each hole
    candidates = blank([size] * count, holes, marks.mask)
    for rank, candidate in enumerate(candidates):
        for hole, one in enumerate(candidate.fills):
            one.contents[0], one.scores[0] = int(best.indices[hole, rank]), float(best.values[hole, rank])
            one.read(one.contents, one.scores, marks)
    return candidates


def fill(
    encoder: Encoder,
    marks: Marks,
    reading: Reading,
    candidates: list[Candidate],
    recipe: Recipe,
    stop: Callable[[], bool],
) -> Iterator[list[Candidate]]:
    """Yield the candidates after each pass, changed in place; after `stop` the last ones are the best there is."""
    for number in range(recipe.passes):
        open_ones = [c for c in candidates if not c.is_done(marks.mask)]
        if stop() or not open_ones:
            return
        canvases = [[f.contents for f in c.fills] for c in open_ones]
        best, tokens = encoder.look(reading, canvases, marks.mask, (marks.begin, marks.mask)).max(-1)
        sure = 0.0 if number + 1 == recipe.passes else recipe.sure
        at = 0
        for candidate in open_ones:
            count = sum(f.contents.count(marks.mask) for f in candidate.fills)
            _commit(candidate, marks, tokens[at : at + count].tolist(), best[at : at + count].tolist(), sure)
            at += count
        yield candidates


def _commit(candidate: Candidate, marks: Marks, tokens: list[int], scores: list[float], sure: float) -> None:
    """Give a pass's predictions for a candidate's masks to its fills; the surest is committed however unsure."""
    limit = min(math.log(sure), max(scores)) if sure else -math.inf
    said = iter(zip(tokens, scores, strict=True))
    for one in candidate.fills:
        pairs = [next(said) if c == marks.mask else (c, s) for c, s in zip(one.contents, one.scores, strict=True)]
        likeliest, likely = [token for token, _ in pairs], [score for _, score in pairs]
        one.read(likeliest, likely, marks)
        one.commit(likeliest, likely, limit, marks)
