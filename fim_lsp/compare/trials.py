"""Complete holes with several contenders in turn, under several conditions, and record what came of it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from fim_lsp.compare.contenders import Contender
from fim_lsp.compare.grade import Grade, grade
from fim_lsp.compare.quality import SEVERAL, Hole
from fim_lsp.domain import Cancel, Outcome, Snapshot

Condition = Literal["cold", "warm", "blind"]
CONDITIONS: tuple[Condition, ...] = ("cold", "warm", "blind")
MORE_SHARE = 0.5  # of the holes at a cursor are tried warm and blind, too: a difference takes fewer than a percentile


@dataclass(frozen=True)
class Trial(Grade):
    """One hole, one contender, one condition.

    cold: nothing kept from before. warm: the same place one keystroke earlier was read just before; only of a
    contender that keeps something. blind: cold, and the model shown nothing right of the cursor; the filters still
    see it. Every hole is tried cold, half of those at a cursor warm and blind.
    """

    hole: int
    key: str
    kind: str
    gold_tokens: int
    contender: str
    condition: Condition
    confidence: float
    latency_ms: float
    cpu_ms: float
    timings: Mapping[str, float] = field(default_factory=dict)
    tokens: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_at_cursor(self) -> bool:
        """One hole, as a person types into; the others are texts with several."""
        return self.kind != SEVERAL


def run(
    holes: Sequence[Hole],
    contenders: Sequence[Contender],
    count_tokens: Callable[[str], int],
    seed: int = 0,
    tick: Callable[[], None] = lambda: None,
) -> Iterator[Trial]:
    """Yield every trial; contenders take turns hole by hole in a drawn order, after one warm-up each.

    Interleaving spreads the machine's slow and fast minutes over all contenders alike.
    """
    for contender in contenders:
        contender.completer.warm_up()
    rng = random.Random(seed)
    for number, hole in enumerate(holes):
        tokens = sum(map(count_tokens, hole.golds))
        snap, several = hole.snapshot(number), hole.segments if hole.further else ()
        wants_more = not hole.further and rng.random() < MORE_SHARE
        for contender in rng.sample(list(contenders), len(contenders)):
            for condition in _conditions(contender, wants_more):
                outcome, wall_ms, cpu_ms = ask(contender, snap, condition, several)
                yield Trial(
                    **vars(grade(hole, outcome)),
                    hole=number,
                    key=hole.key,
                    kind=hole.kind,
                    gold_tokens=tokens,
                    contender=contender.name,
                    condition=condition,
                    confidence=outcome.suggestions[0].confidence if outcome.suggestions else 0.0,
                    latency_ms=round(wall_ms, 2),
                    cpu_ms=round(cpu_ms, 2),
                    timings=dict(outcome.timings),
                    tokens=dict(outcome.tokens),
                )
        tick()


def ask(
    contender: Contender, snap: Snapshot, condition: Condition, segments: tuple[str, ...] = ()
) -> tuple[Outcome, float, float]:
    """Ask for a cursor, or for the several holes between segments, under a condition.

    Returns the outcome, and the milliseconds that passed and that all threads together computed.
    """
    completer = contender.blind if condition == "blind" else contender.completer
    contender.forget()
    if condition == "warm":
        _read_one_keystroke_earlier(contender, snap)
    wall, cpu = time.perf_counter(), time.process_time()
    cancel = Cancel()
    outcome = completer.fill(segments, snap.language, cancel) if segments else completer.complete(snap, cancel)
    return outcome, (time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3


def _read_one_keystroke_earlier(contender: Contender, snap: Snapshot) -> None:
    """Leave the contender as one keystroke before `snap` would have: keys and values kept, no suggestion."""
    if snap.offset:
        earlier = replace(snap, text=snap.text[: snap.offset - 1] + snap.suffix, offset=snap.offset - 1)
        contender.reader.complete(earlier, Cancel())


def _conditions(contender: Contender, wants_more: bool) -> Iterator[Condition]:
    yield "cold"
    if wants_more:
        if contender.has_prefix_cache:
            yield "warm"
        yield "blind"
