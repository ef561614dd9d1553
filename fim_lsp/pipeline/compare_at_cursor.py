"""Both families at one cursor: the same request through the same stops and filters, in turns.

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

from fim_lsp.backends.base import Backend, Budget
from fim_lsp.domain import Cancel, Choice, FimRequest, GenerationLimits, Snapshot
from fim_lsp.errors import ModelError
from fim_lsp.languages import Site, locate
from fim_lsp.pipeline import answer, eligibility, unresolved
from fim_lsp.pipeline.answer import Answer
from fim_lsp.pipeline.completer import Completer
from fim_lsp.routing.router import CANDIDATES, Router

ROUNDS, ENOUGH_S = 3, 6.0  # rounds that count; seconds after which no other one begins

CacheState = Literal["cold", "warm"]


@dataclass(frozen=True)
class Run:
    """One answer, or the reason why it is none; `total_ms` holds also what no stage accounts for."""

    answer: Answer
    reason: str
    total_ms: float


@dataclass(frozen=True)
class Side:
    """One family: its median run under each condition, or the error that kept it from being loaded."""

    family: str
    error: str = ""
    runs: Mapping[CacheState, Run] = field(default_factory=dict)  # warm only where something is kept


@dataclass(frozen=True)
class Comparison:
    """What each family says at a cursor; or the reason why neither was asked."""

    sides: tuple[Side, ...] = ()
    choice: Choice | None = None  # whom a request there goes to
    taken: str = ""  # whose answer it brings back: the other's where the first one is unsure and cascades
    rounds: int = 0
    reason: str = ""


def compare(completer: Completer, snap: Snapshot, cancel: Cancel) -> Comparison:
    """Ask every family what an automatic request would, with the patience of one by hand (decode thread).

    What `completer` remembers stays as it was; its decoder is left warm for this place, and its router learns.
    """
    snap = replace(snap, manual=False)
    if reason := cancel.reason or eligibility.refuse(snap, replace(completer.config, trigger="automatic")):
        return Comparison(reason=reason)
    backends, errors = _load(completer.router)
    if not backends:
        return Comparison(tuple(Side(family, error) for family, error in errors.items()))
    site = locate(snap, completer.trees)
    budget = _least([backend.budget for backend in backends.values()])
    request = completer.request(budget, snap, site, eligibility.limits(snap, completer.config, site))
    choice = completer.router.choose(request, site)
    given = (request, site, choice, completer.workspace.defines)
    contenders = [_Contender(family, backend, *given) for family, backend in backends.items()]
    runs: dict[str, dict[CacheState, list[Run]]] = {family: defaultdict(list) for family in CANDIDATES}
    patience_s = completer.config.deadline_ms * eligibility.MANUAL_PATIENCE / 1e3
    rounds = 0
    for rounds, family, condition, run in _take_turns(contenders, patience_s, cancel):
        if rounds:
            runs[family][condition].append(run)
            completer.router.learn(family, run.answer.meter)
    if cancel.is_set():
        return Comparison(reason=cancel.reason)
    sides = tuple(
        Side(family, errors.get(family, ""), {condition: _median(every) for condition, every in found.items()})
        for family, found in runs.items()
    )
    return Comparison(sides, choice, _taken(completer, choice, sides, site.snap), rounds)


@dataclass(frozen=True)
class _Contender:
    """A loaded family with the request that both are given."""

    family: str
    backend: Backend
    request: FimRequest
    site: Site
    choice: Choice
    defined: unresolved.Elsewhere

    def turn(self, patience_s: float, cancel: Cancel) -> Iterator[tuple[CacheState, Run]]:
        """Run cold and, where the backend counts what it reuses, at once again."""
        self.backend.forget()
        cold = self._run(patience_s, cancel)
        yield "cold", cold
        if "reused" in cold.answer.meter.tokens:
            yield "warm", self._run(patience_s, cancel)

    def _run(self, patience_s: float, cancel: Cancel) -> Run:
        limits = replace(self.request.limits, deadline=time.monotonic() + patience_s)
        request = replace(self.request, limits=limits)
        began = time.perf_counter()
        said = answer.generate(self.backend, request, self.site, self.choice.cursor_kind, cancel, self.defined)
        total_ms = round((time.perf_counter() - began) * 1e3, 3)
        return Run(said, "" if said.kept else answer.reason(said.dropped, cancel, limits), total_ms)


def _load(router: Router) -> tuple[dict[str, Backend], dict[str, str]]:
    """Return the families that can be had, and of the others what is wrong."""
    backends, errors = {}, {}
    for family in CANDIDATES:
        try:
            backends[family] = router.loader.get(family)
        except ModelError as problem:
            errors[family] = str(problem)
    return backends, errors


def _least(budgets: Sequence[Budget]) -> Budget:
    """Cut the window for the one that reads least: what one is shown, the other can read."""
    return Budget(min(one.prefix_chars for one in budgets), min(one.suffix_chars for one in budgets))


def _take_turns(
    contenders: Sequence[_Contender], patience_s: float, cancel: Cancel
) -> Iterator[tuple[int, str, CacheState, Run]]:
    """Yield (round, family, condition, run), the first to begin changing; round 0 is not to be counted."""
    began = time.monotonic()
    for number in range(ROUNDS + 1):
        if number > 1 and time.monotonic() - began > ENOUGH_S:
            return
        for contender in contenders[:: -1 if number % 2 else 1]:
            for condition, run in contender.turn(patience_s, cancel):
                if cancel.is_set():
                    return
                yield number, contender.family, condition, run


def _taken(completer: Completer, choice: Choice, sides: Sequence[Side], snap: Snapshot) -> str:
    """Return the family whose answer a request would bring back, its time being as it was measured here."""
    answers = {side.family: side.runs["cold"] for side in sides if side.runs}
    first = answers.get(choice.family)
    if first is None:  # the settings insist on the one that cannot be loaded
        return ""
    limits = GenerationLimits(deadline=time.monotonic() + (completer.config.deadline_ms - first.total_ms) / 1e3)
    if completer.router.fallback(choice, first.answer.confidence, snap.language, limits) is None:
        return choice.family
    best = answer.surer([first.answer, *(run.answer for run in answers.values())])
    return next(family for family, run in answers.items() if run.answer is best)


def _median(runs: Sequence[Run]) -> Run:
    return sorted(runs, key=lambda run: run.total_ms)[len(runs) // 2]
