"""Complete holes with several contenders in turn, under several conditions, and record what came of it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from fim_lsp.backends.base import Backend
from fim_lsp.bench.quality import Hole, Score, first_line
from fim_lsp.bench.stats import edit_similarity
from fim_lsp.config import Config
from fim_lsp.domain import Cancel, FimRequest, Meter, Outcome, Snapshot, Suggestion, Work
from fim_lsp.pipeline.completer import Completer
from fim_lsp.syntax import LANGUAGES, SyntaxTree

Condition = Literal["cold", "warm", "blind"]
PATIENCE_MS = 60_000
CONDITIONS: tuple[Condition, ...] = ("cold", "warm", "blind")


class Blind:
    """A backend that is shown nothing right of the cursor, for measuring what the suffix is worth."""

    def __init__(self, inner: Backend):
        self.inner, self.name, self.budget, self.calibration = inner, inner.name, inner.budget, inner.calibration

    def generate(self, request: FimRequest, cancel: Cancel, meter: Meter) -> Iterator[Iterator[Suggestion]]:
        return self.inner.generate(replace(request, segments=(request.segments[0], "")), cancel, meter)

    def outlook(self, request: FimRequest) -> Work:
        return self.inner.outlook(request)

    def forget(self) -> None:
        self.inner.forget()


class Contender:
    """A model under test behind the whole pipeline; `blind` is the same model without its suffix."""

    def __init__(self, name: str, family: str, folder: Path, backend: Backend):
        self.name, self.family, self.folder, self.backend = name, family, folder, backend
        config = Config(backend=family, deadline_ms=PATIENCE_MS)
        self.completer = Completer(config, lambda family, model: backend)
        self.blind = Completer(config, lambda family, model: Blind(backend))


@dataclass(frozen=True)
class Trial:
    """One hole, one contender, one condition.

    cold: nothing kept from before. warm: the same place one keystroke earlier was asked just before.
    blind: cold, and the model shown nothing right of the cursor; the filters still see it.
    """

    hole: int
    kind: str
    gold_tokens: int
    contender: str
    condition: Condition
    shown: str
    confidence: float
    is_answered: bool
    is_exact: bool
    is_first_line: bool
    is_valid: bool
    similarity: float
    latency_ms: float
    cpu_ms: float
    timings: Mapping[str, float] = field(default_factory=dict)
    tokens: Mapping[str, int] = field(default_factory=dict)


def run(
    holes: Sequence[Hole],
    contenders: Sequence[Contender],
    count_tokens: Callable[[str], int],
    conditions: Iterable[Condition] = CONDITIONS,
    seed: int = 0,
    tick: Callable[[], None] = lambda: None,
) -> Iterator[Trial]:
    """Yield every trial; contenders take turns hole by hole in a drawn order, after one warm-up each.

    Interleaving spreads the machine's slow and fast minutes over all contenders alike.
    """
    for contender in contenders:
        contender.completer.warm_up()
    draw = random.Random(seed)
    conditions = list(conditions)
    for number, hole in enumerate(holes):
        for contender in draw.sample(list(contenders), len(contenders)):
            for condition in conditions:
                yield _try(number, hole, count_tokens(hole.gold), contender, condition)
        tick()


def _try(number: int, hole: Hole, hole_tokens: int, contender: Contender, condition: Condition) -> Trial:
    snap = hole.snapshot(number)
    completer = contender.blind if condition == "blind" else contender.completer
    completer.forget()
    if condition == "warm" and snap.offset:
        completer.complete(_one_key_earlier(snap), Cancel())
        completer.cache.clear()  # the suggestion is to be made anew; keys and values stay
    wall, cpu = time.perf_counter(), time.process_time()
    outcome = completer.complete(snap, Cancel())
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    score = Score(hole, outcome, wall * 1e3)
    return Trial(
        hole=number,
        kind=hole.kind,
        gold_tokens=hole_tokens,
        contender=contender.name,
        condition=condition,
        shown=score.shown,
        confidence=outcome.suggestions[0].confidence if outcome.suggestions else 0.0,
        is_answered=bool(outcome.suggestions),
        is_exact=score.is_exact,
        is_first_line=first_line(score.shown) == first_line(hole.gold),
        is_valid=_is_valid(hole, outcome),
        similarity=edit_similarity(score.shown, score.gold),
        latency_ms=round(wall * 1e3, 2),
        cpu_ms=round(cpu * 1e3, 2),
        timings=dict(outcome.timings),
        tokens=dict(outcome.tokens),
    )


def _one_key_earlier(snap: Snapshot) -> Snapshot:
    return replace(snap, text=snap.text[: snap.offset - 1] + snap.suffix, offset=snap.offset - 1)


def _is_valid(hole: Hole, outcome: Outcome) -> bool:
    """True when accepting leaves no more faults in the tree than the author's own text did."""
    if not outcome.suggestions:
        return False
    best = outcome.suggestions[0]
    accepted = hole.prefix + best.text + hole.suffix[best.replaces :]
    return _faults(accepted) <= _faults(hole.prefix + hole.gold + hole.suffix)


def _faults(text: str) -> int:
    return SyntaxTree.parse(text, LANGUAGES["python"]).faults()
