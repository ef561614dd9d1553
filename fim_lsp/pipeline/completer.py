"""The whole pipeline on one screen: look up, limit, gather context, choose, generate, stop, filter, remember."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from fim_lsp import context, languages
from fim_lsp.backends.base import Backend, Budget, ModelRequest
from fim_lsp.context.index import Workspace
from fim_lsp.context.snippets import Snippets
from fim_lsp.domain import Cancel, Choice, FimRequest, GenerationLimits, Meter, Outcome, Snapshot
from fim_lsp.languages import Site, Trees, locate
from fim_lsp.pipeline import answer, eligibility, multi_hole, unresolved, word_fallback
from fim_lsp.pipeline.answer import Answer
from fim_lsp.pipeline.cache import Cache
from fim_lsp.routing.router import ReadTable, Router, no_table
from fim_lsp.settings import Config


class Completer:
    """Complete snapshots; `look_up` on the event loop, everything else in one worker thread."""

    def __init__(
        self,
        config: Config,
        create: Callable[[str, ModelRequest], Backend],
        read_table: ReadTable = no_table,
        workspace: Workspace | None = None,
    ):
        self.config = config
        self.router = Router(config, create, read_table)
        self.cache, self.trees = Cache(), Trees()
        self.work_in(workspace or Workspace())

    def work_in(self, workspace: Workspace) -> None:
        """Take other files from this workspace from now on."""
        self.workspace, self.snippets = workspace, Snippets(workspace)

    def open(self, folders: Iterable[Path]) -> bool:
        """Serve these folders from now on (worker thread); True where the models are to be loaded anew for them.

        What was suggested without their adapter, or with another one, is forgotten.
        """
        if is_other := self.router.open(folders):
            self.cache.clear()
        return is_other

    def configure(self, config: Config) -> None:
        """Take new settings (worker thread); what was suggested under the old ones is forgotten."""
        self.config = config
        self.router.configure(config)
        self.cache.clear()

    def warm_up(self) -> tuple[str, str]:
        """Load the model asked for, or that `auto` begins with, and try it; (backend, why); raises ModelError."""
        before = {*self.router.loader.coming, *self.router.loader.loaded}
        backend = self.router.ready()
        if backend.name not in before:  # who was, is tried where it is loaded
            self.router.try_out(backend)
        return backend.name, self.router.choose().why

    def forget(self) -> None:
        """Drop suggestions and cached keys and values, for measurements from cold."""
        self.cache.clear()
        self.router.forget()

    def unload(self) -> bool:
        """Give the models' memory back until they are wanted again; False when none is loaded."""
        return self.router.loader.unload()

    def read(self, snap: Snapshot) -> None:
        """Parse a document, so that its first request finds the tree (worker thread)."""
        if eligibility.is_foreign(snap, self.config) is None:
            self.trees.tree(snap, languages.get(snap.language))

    def close(self, uri: str) -> None:
        """Drop what is kept of a document (worker thread): opened again, it may be another text."""
        self.trees.drop(uri)
        self.cache.drop(uri)
        self.snippets.drop(uri)

    def look_up(self, snap: Snapshot) -> Outcome | None:
        """Answer without a model, in microseconds: refused, or known from before; None when it takes a model."""
        if reason := eligibility.refuse(snap, self.config):
            return Outcome(reason=reason)
        return self.cache.find(snap, self.workspace.edition(snap.path))

    def complete(self, snap: Snapshot, cancel: Cancel) -> Outcome:
        """Generate suggestions for a snapshot; raises ModelError when no model can be had."""
        if known := self.look_up(snap):
            return known
        meter = Meter()
        backend = self.router.ready(snap.language)
        began = time.monotonic()  # parsing a large file takes of the time there is; loading a model does not
        with meter.stage("context"):
            site = locate(snap, self.trees)
            if reason := eligibility.refuse_at(site, snap):
                return Outcome(reason=reason)
            limits = eligibility.limits(snap, self.config, site, began)
            edition = self.workspace.edition(snap.path)
            request = self.request(backend.budget, snap, site, limits)
        requests = {backend.budget: request}
        with meter.stage("choose"):
            backend, choice = self.router.pick(request, site)
        answers = self._ask(backend, choice, requests, snap, site, limits, cancel)
        best = answer.surer(answers)
        why = _why(choice, answers, limits) + "".join(unresolved.describe(one.unresolved) for one in best.kept[:1])
        why += f"; adapted to {repository}" if (repository := self.router.adapted_to(backend)) else ""
        for one in answers:
            meter.add(one.meter)
        reason = "" if best.kept else answer.reason(best.dropped, cancel, limits)
        told = (meter.timings, meter.tokens, choice, request.snippets, meter.sent)
        outcome = Outcome(best.kept, reason, best.backend, why, *told)
        if self.config.word_fallback and not best.kept and not cancel.is_set() and (word := word_fallback.rest(snap)):
            outcome = replace(outcome, suggestions=(word,), why=f"{why}; the rest of a word of this document")
        is_cut = any(one.finish == "deadline" for one in best.kept) or (limits.expired and not best.kept)
        if cancel.is_set() or is_cut or choice.is_stand_in:
            return outcome  # asked again, there may be more to say
        return self.cache.remember(snap, outcome, edition=edition)

    def request(self, budget: Budget, snap: Snapshot, site: Site, limits: GenerationLimits) -> FimRequest:
        """Gather what a backend is shown at a place (worker thread)."""
        own = self.snippets.choose(snap, site) if self.config.workspace_enabled and not snap.terms.snippets else ()
        return context.build(snap, site, limits, budget.prefix_chars, budget.suffix_chars, snap.terms.snippets or own)

    def fill(self, segments: tuple[str, ...], language: str, cancel: Cancel) -> Outcome:
        """Fill all holes of a text, n between its n+1 segments, as one; raises ModelError."""
        meter = Meter()
        limits = eligibility.limits_of_text(self.config, len(segments) - 1)
        request = FimRequest(segments, limits, language=language)
        self.router.ready(language)
        backend, choice = self.router.pick(request)
        found = [said[-1] for drafts in backend.generate(request, cancel, meter) if (said := list(drafts))]
        with meter.stage("parse"):
            best = multi_hole.search(segments, found, languages.get(language))
        reason = "" if best else answer.reason((), cancel, limits)
        told = (meter.timings, meter.tokens, choice, (), meter.sent)
        return Outcome((best,) if best else (), reason, backend.name, choice.why, *told)

    def _ask(
        self,
        backend: Backend,
        choice: Choice,
        requests: Mapping[Budget, FimRequest],
        snap: Snapshot,
        site: Site,
        limits: GenerationLimits,
        cancel: Cancel,
    ) -> list[Answer]:
        """Return the chosen family's answer, and the other's where the first is unsure and time is left."""

        def ask(asked: Backend, family: str) -> Answer:
            request = requests.get(asked.budget) or self.request(asked.budget, snap, site, limits)
            said = answer.generate(asked, request, site, choice.cursor_kind, cancel, self.workspace.defines)
            self.router.learn(family, said.meter)
            return said

        first = ask(backend, choice.family)
        language = site.snap.language
        if cancel.is_set():
            return [first]
        if first.fault:
            second = self.router.stand_in(choice.cursor_kind)
        else:
            second = self.router.fallback(choice, first.confidence, language, limits)
        return [first, ask(*second)] if second else [first]


def _why(choice: Choice, answers: list[Answer], limits: GenerationLimits) -> str:
    why = f"{choice.why}; {limits.why}"
    for host, chars in ((host, chars) for one in answers for host, chars in one.meter.sent.items()):
        why += f"; {chars:,} characters went to {host}"
    if (fault := answers[0].fault) and len(answers) == 2:
        why += f"; {fault}, so {answers[1].backend} answers"
    elif len(answers) == 2:
        first, second = answers
        why += f"; {first.backend} {answer.describe_confidence(first.confidence)}, so {second.backend} was asked too: "
        why += answer.describe_confidence(second.confidence)
    return why
