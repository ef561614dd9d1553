"""Both families at one cursor: the same request through the whole pipeline, in turns.

unmeasured  gpt gpt* bert         what was only just loaded pays here for its memory and its kernels
round 1     bert gpt gpt*         cold: nothing is kept from before
round 2     gpt gpt* bert         * warm: the decoder still holds the keys and values of this place
round 3     bert gpt gpt*         each family is told by its median round; a slow machine has fewer
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from fim_lsp.backends.base import Backend
from fim_lsp.backends.router import BUILT
from fim_lsp.config import Config
from fim_lsp.domain import Cancel, Choice, Outcome, Snapshot
from fim_lsp.errors import ModelError
from fim_lsp.pipeline import gate
from fim_lsp.pipeline.completer import Completer

ROUNDS, ENOUGH_S = 3, 6.0  # rounds that count; seconds after which no other one begins

Condition = Literal["cold", "warm"]


@dataclass(frozen=True)
class Run:
    """One way through the pipeline; `total_ms` holds also what no stage accounts for."""

    outcome: Outcome
    total_ms: float


@dataclass(frozen=True)
class Side:
    """One family: its median run under each condition, or the error that kept it from being loaded."""

    family: str
    error: str = ""
    runs: Mapping[Condition, Run] = field(default_factory=dict)  # warm only where something is kept


@dataclass(frozen=True)
class Comparison:
    """What each family says at a cursor, and which one takes requests there; or why neither was asked."""

    sides: tuple[Side, ...] = ()
    choice: Choice | None = None
    rounds: int = 0
    reason: str = ""


def compare(completer: Completer, snap: Snapshot, cancel: Cancel) -> Comparison:
    """Run every family on a snapshot as an automatic request would be, with the patience of one by hand.

    For the decode thread. What `completer` remembers stays as it was; its decoder is left warm for this place.
    """
    patience_ms = completer.config.deadline_ms * gate.MANUAL_PATIENCE
    config = replace(completer.config, trigger="automatic", deadline_ms=patience_ms)
    snap = replace(snap, manual=False)
    if reason := cancel.reason or gate.refuse(snap, config):
        return Comparison(reason=reason)
    contenders, errors = _load(completer, config)
    runs: dict[str, dict[Condition, list[Run]]] = {family: defaultdict(list) for family in BUILT}
    rounds = 0
    for rounds, family, condition, run in _take_turns(contenders, snap, cancel):
        if rounds:
            runs[family][condition].append(run)
    if cancel.is_set():
        return Comparison(reason=cancel.reason)
    sides = (
        Side(family, errors.get(family, ""), {condition: _median(every) for condition, every in found.items()})
        for family, found in runs.items()
    )
    return Comparison(tuple(sides), _choose(completer), rounds)


class _Contender:
    """A loaded family behind a pipeline of its own, so that what it says is remembered nowhere else."""

    def __init__(self, family: str, backend: Backend, config: Config):
        self.family, self.backend = family, backend
        self.completer = Completer(replace(config, backend=family), lambda family, model: backend)

    def turn(self, snap: Snapshot, cancel: Cancel) -> Iterator[tuple[Condition, Run]]:
        """Run cold and, where the backend counts what it reuses, at once again."""
        self.backend.forget()
        cold = self._run(snap, cancel)
        yield "cold", cold
        if "reused" in cold.outcome.tokens:
            yield "warm", self._run(snap, cancel)

    def _run(self, snap: Snapshot, cancel: Cancel) -> Run:
        self.completer.cache.clear()
        began = time.perf_counter()
        outcome = self.completer.complete(snap, cancel)
        return Run(outcome, round((time.perf_counter() - began) * 1e3, 3))


def _load(completer: Completer, config: Config) -> tuple[list[_Contender], dict[str, str]]:
    """Return the families that can be had, and of the others what is wrong."""
    contenders, errors = [], {}
    for family in BUILT:
        try:
            contenders.append(_Contender(family, completer.router.load(family), config))
        except ModelError as problem:
            errors[family] = str(problem)
    return contenders, errors


def _take_turns(
    contenders: Sequence[_Contender], snap: Snapshot, cancel: Cancel
) -> Iterator[tuple[int, str, Condition, Run]]:
    """Yield (round, family, condition, run), the first to begin changing; round 0 is not to be counted."""
    began = time.monotonic()
    for number in range(ROUNDS + 1):
        if number > 1 and time.monotonic() - began > ENOUGH_S:
            return
        for contender in contenders[:: -1 if number % 2 else 1]:
            for condition, run in contender.turn(snap, cancel):
                if cancel.is_set():
                    return
                yield number, contender.family, condition, run


def _choose(completer: Completer) -> Choice:
    family, why = completer.router.choose()
    return Choice(family, why)


def _median(runs: Sequence[Run]) -> Run:
    return sorted(runs, key=lambda run: run.total_ms)[len(runs) // 2]
