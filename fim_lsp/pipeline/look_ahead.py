"""What is likely asked for next, answered while nobody waits: other keys, and the places after a suggestion.

x = ║                     shown: ├load(path)┤
x = s║  x = o║  x = [║    what other keys than `l` ask for
x = load(path)║           what accepting it asks for; where that has no answer,
x = load(path)⏎║          what the next line asks for
"""

from __future__ import annotations

from dataclasses import replace

from fim_lsp.backends.base import Backend
from fim_lsp.domain import Cancel, Choice, FimRequest, Meter, Outcome, Snapshot, Suggestion
from fim_lsp.languages import Site, locate
from fim_lsp.pipeline import answer as answering
from fim_lsp.pipeline import eligibility, word_fallback
from fim_lsp.pipeline.completer import Completer


def accepted(snap: Snapshot, suggestion: Suggestion) -> Snapshot:
    """Return the document with a suggestion taken whole and the cursor behind it."""
    before = snap.prefix + suggestion.text.replace("\n", snap.eol)
    return replace(snap, text=before + snap.suffix[suggestion.replaces :], offset=len(before), manual=False)


def below(snap: Snapshot) -> Snapshot | None:
    """Return the document with a new line at the cursor, indented as this one; None where one is not likely."""
    line = snap.line_prefix
    if snap.line_suffix.strip() or not line.strip():
        return None
    before = snap.prefix + snap.eol + line[: len(line) - len(line.lstrip())]
    return replace(snap, text=before + snap.suffix, offset=len(before))


def ahead(completer: Completer, snap: Snapshot, outcome: Outcome, cancel: Cancel) -> Outcome:
    """Find alternatives at an answered place, then answer the place after accepting it; raises ModelError.

    A server is not asked for what nobody waits for.
    """
    if completer.router.asks_elsewhere(snap.language):
        return Outcome(reason="a server is asked only for what somebody waits for")
    done = find_alternatives(completer, snap, outcome, cancel)
    if not outcome.suggestions or cancel.is_set():
        return done
    then = accepted(snap, outcome.suggestions[0])
    return completer.look_up(then) or answer(completer, then, cancel)


def find_alternatives(completer: Completer, snap: Snapshot, outcome: Outcome, cancel: Cancel) -> Outcome:
    """Have ready what other keys than the suggestion's ask for, if a backend is loaded that keeps what it reads."""
    meter = Meter()
    if (found := _keeper(completer, snap)) is None:
        return Outcome(reason="nothing is loaded that keeps what it reads")
    keeper, request, site, choice = found
    said = outcome.suggestions[0].text if outcome.suggestions else ""
    defined = completer.workspace.defines
    alternatives = answering.alternatives(keeper, request, site, choice.cursor_kind, said, cancel, meter, defined)
    if completer.config.word_fallback and not cancel.is_set():
        taken = {said[:1], *(suggestion.text[:1] for suggestion in alternatives)}
        alternatives = (*alternatives, *word_fallback.others(snap, taken))
    if alternatives and not cancel.is_set():
        completer.cache.remember(snap, outcome, alternatives, completer.workspace.edition(snap.path))
    reason = cancel.reason or f"{len(alternatives)} alternatives"
    return Outcome((), reason, keeper.name, choice.why, meter.timings, meter.tokens, choice)


def answer(completer: Completer, snap: Snapshot, cancel: Cancel) -> Outcome:
    """Complete a place for the cache, and where that comes to nothing the line below it; raises ModelError."""
    outcome = completer.complete(snap, cancel)
    if outcome.suggestions or cancel.is_set() or (further := below(snap)) is None:
        return outcome
    return completer.complete(further, cancel)


def read(completer: Completer, snap: Snapshot, cancel: Cancel) -> Outcome:
    """Parse a document that was just opened."""
    if not cancel.is_set():
        completer.read(snap)
    return Outcome(reason=cancel.reason or "parsed")


def warm(completer: Completer, snap: Snapshot, cancel: Cancel) -> Outcome:
    """Have the backend that would answer read a place, if it is loaded and keeps what it reads."""
    meter = Meter()
    if reason := eligibility.refuse(snap, completer.config):
        return Outcome(reason=reason)
    if (found := _keeper(completer, snap)) is None:
        return Outcome(reason="nothing is loaded that keeps what it reads")
    keeper, request, _, choice = found
    next(keeper.generate(request, cancel, meter), None)  # the prompt is read before the first answer begins
    completer.router.learn(choice.family, meter)
    return Outcome((), cancel.reason or "read", keeper.name, choice.why, meter.timings, meter.tokens, choice)


def _keeper(completer: Completer, snap: Snapshot) -> tuple[Backend, FimRequest, Site, Choice] | None:
    """Return the loaded backend that keeps what it reads, where it is the one that would answer, and its request."""
    loaded = dict(completer.router.loader.loaded)
    keepers = {family: backend for family, backend in loaded.items() if backend.has_prefix_cache}
    if not keepers:
        return None
    site = locate(snap, completer.trees)
    limits = eligibility.limits(snap, completer.config, site)
    budget = next(iter(keepers.values())).budget
    request = completer.request(budget, snap, site, limits)
    choice = completer.router.choose(request, site)
    keeper = keepers.get(choice.family)
    return (keeper, request, site, choice) if keeper and keeper.budget == budget else None
