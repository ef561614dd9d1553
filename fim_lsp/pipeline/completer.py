"""The whole pipeline on one screen: look up, plan, gather context, generate, stop, filter, remember."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from fim_lsp import context, filters
from fim_lsp.backends.base import Backend
from fim_lsp.backends.router import Router
from fim_lsp.config import Config
from fim_lsp.domain import Cancel, FimRequest, Meter, Outcome, Plan, Snapshot, Suggestion
from fim_lsp.pipeline import gate, joint, stops
from fim_lsp.pipeline.cache import Cache
from fim_lsp.syntax import LANGUAGES, Site, Trees, describe


class Completer:
    """Complete snapshots; `look_up` on the event loop, everything else in one worker thread."""

    def __init__(self, config: Config, create: Callable[[str, str], Backend]):
        self.config = config
        self.router = Router(config, create)
        self.cache, self.trees = Cache(), Trees()

    def configure(self, config: Config) -> None:
        """Take new settings (worker thread); what was suggested under the old ones is forgotten."""
        self.config = config
        self.router.configure(config)
        self.cache.clear()

    def warm_up(self) -> tuple[str, str]:
        """Load the model and run it once; returns (backend, why); raises ModelError."""
        backend, why = self.router.pick()
        plan = Plan(max_tokens=2)
        for drafts in backend.generate(FimRequest(("def warm_up():\n    ", "\n"), plan), Cancel(), Meter()):
            list(drafts)
        return backend.name, why

    def forget(self) -> None:
        """Drop suggestions and cached keys and values, for measurements from cold."""
        self.cache.clear()
        self.router.forget()

    def look_up(self, snap: Snapshot) -> Outcome | None:
        """Answer without a model, in microseconds: refused, or known from before; None when it takes a model."""
        if reason := gate.refuse(snap, self.config):
            return Outcome(reason=reason)
        return self.cache.find(snap)

    def complete(self, snap: Snapshot, cancel: Cancel) -> Outcome:
        """Generate suggestions for a snapshot; raises ModelError when no model can be had."""
        if known := self.look_up(snap):
            return known
        meter = Meter()
        backend, why = self.router.pick()
        with meter.stage("context"):
            site = describe(snap, self.trees.tree(snap, LANGUAGES[snap.language]))
            plan = gate.plan(snap, self.config, site)
            request = context.build(snap, site, plan, backend.budget.prefix_chars, backend.budget.suffix_chars)
        kept, dropped = self._generate(backend, request, snap, site, cancel, meter)
        reason = "" if kept else _reason(dropped, cancel, plan)
        outcome = Outcome(kept, reason, backend.name, f"{why}; {plan.why}", meter.timings, meter.tokens)
        if cancel.is_set() or (plan.expired and not kept):
            return outcome
        return self.cache.remember(snap, outcome)

    def fill(self, segments: tuple[str, ...], language: str, cancel: Cancel) -> Outcome:
        """Fill all holes of a text, n between its n+1 segments, as one; raises ModelError."""
        meter = Meter()
        backend, why = self.router.pick()
        plan = gate.plan_text(self.config)
        found = [last for drafts in backend.generate(FimRequest(segments, plan), cancel, meter) for last in drafts]
        with meter.stage("parse"):
            best = joint.choose(segments, found, LANGUAGES[language])
        reason = "" if best else _reason([], cancel, plan)
        return Outcome((best,) if best else (), reason, backend.name, why, meter.timings, meter.tokens)

    def _generate(
        self, backend: Backend, request: FimRequest, snap: Snapshot, site: Site, cancel: Cancel, meter: Meter
    ) -> tuple[tuple[Suggestion, ...], list[str]]:
        kept: list[Suggestion] = []
        dropped: list[str] = []
        for drafts in backend.generate(request, cancel, meter):
            raw = stops.apply(drafts, snap, request.plan, site)
            if raw is None or cancel.is_set():
                continue
            with meter.stage("filters"):
                shown, dropper = filters.apply(raw, snap)
            if shown is None:
                dropped.append(dropper)
            elif shown.text not in [other.text for other in kept]:
                kept.append(replace(shown, confidence=round(shown.confidence, 4)))
        return tuple(kept), dropped


def _reason(dropped: list[str], cancel: Cancel, plan: Plan) -> str:
    if cancel.is_set():
        return cancel.reason or "cancelled"
    if dropped:
        return f"filter {dropped[0]}"
    return "deadline" if plan.expired else "the model had nothing to say"
