"""Fill canvases in a few parallel passes (DreamOn, arXiv 2602.01326; parallel commits: Fast-dLLM, arXiv 2505.22618).

pass 1   ▢ ▢ ▢ ▢ ▢ ▢ ▢ ▢     every sure position is committed, and at least the surest
pass 2   w ▢ h ▢ ✂ ▢ ▢ ▢     the first [delete] drops what is right of it; <expand> adds sixteen
pass 3   w * h
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from fim_lsp.nn.canvas import CANVASES, GAP, Marks
from fim_lsp.nn.encoder import Encoder, Reading

EXPANSION = 16


@dataclass(frozen=True)
class Plan:
    """How to decode; the `infill` table of config.json may say otherwise."""

    passes: int = 4
    sure: float = 0.9
    canvases: tuple[int, ...] = CANVASES
    length_bonus: float = 0.0  # added to a canvas's mean log-probability for each doubling of its length

    @classmethod
    def read(cls, table: Mapping[str, Any]) -> Plan:
        """Take what the table says and the defaults for the rest."""
        given = {name: table[name] for name in ("passes", "sure", "length_bonus") if name in table}
        return cls(**given, canvases=tuple(table.get("canvases", CANVASES)))


@dataclass
class Fill:
    """One hole's canvas as far as it is known: `guess` completes it with the latest pass's likeliest tokens."""

    contents: list[int]
    scores: list[float] = field(default_factory=list)  # log-probability of each committed token and mark
    guess: list[int] = field(default_factory=list)
    guess_scores: list[float] = field(default_factory=list)

    @property
    def mean(self) -> float:
        """Mean log-probability of the best reading so far."""
        scores = self.scores + self.guess_scores
        return sum(scores) / len(scores) if scores else -math.inf


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


def fill(
    encoder: Encoder, marks: Marks, reading: Reading, plan: Plan, stop: Callable[[], bool]
) -> Iterator[list[Candidate]]:
    """Yield all candidates after each pass; with `stop` the last ones are the best there is."""
    holes = len(reading.holes)
    candidates = [Candidate([Fill([marks.mask] * size) for _ in range(holes)]) for size in plan.canvases]
    for number in range(plan.passes):
        open_ones = [c for c in candidates if not c.is_done(marks.mask)]
        if stop() or not open_ones:
            return
        logits = encoder.look(reading, [[f.contents for f in c.fills] for c in open_ones], marks.mask).clone()
        logits[:, [marks.mask, marks.begin]] = -math.inf
        best, tokens = logits.log_softmax(-1).max(-1)
        at = 0
        for candidate in open_ones:
            count = sum(f.contents.count(marks.mask) for f in candidate.fills)
            is_last = number + 1 == plan.passes
            _commit(
                candidate, marks, tokens[at : at + count], best[at : at + count], -math.inf if is_last else plan.sure
            )
            at += count
        yield candidates


def _commit(candidate: Candidate, marks: Marks, tokens: Tensor, best: Tensor, sure: float) -> None:
    """Write what is sure into a candidate's canvases, and the rest into its guesses."""
    limit = min(math.log(sure) if sure > 0 else -math.inf, float(best.max()))
    said = iter(zip(tokens.tolist(), best.tolist(), strict=True))
    for one in candidate.fills:
        guess = [(token, 0.0, True) if token != marks.mask else (*next(said), False) for token in one.contents]
        one.guess, one.guess_scores = _read_out(guess, marks)
        for at, (token, score, is_known) in enumerate(guess):
            if is_known or score < limit:
                continue
            one.scores.append(score)
            if token == marks.delete:
                del one.contents[at:]
                break
            if token == marks.expand:
                one.contents[at : at + 1] = [marks.mask] * min(EXPANSION, GAP - len(one.contents) + 1)
                one.scores.pop()
                break  # what stands right of it was predicted for another length
            one.contents[at] = token


def _read_out(guess: list[tuple[int, float, bool]], marks: Marks) -> tuple[list[int], list[float]]:
    """Return the text of a guess up to its first mark, and the log-probabilities of what was not yet committed."""
    ids, scores = [], []
    for token, score, is_known in guess:
        if not is_known:
            scores.append(score)
        if token in marks.own:
            break
        ids.append(token)
    return ids, scores
