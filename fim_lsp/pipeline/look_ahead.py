"""What is likely asked for next: the places after a suggestion, answered while nobody waits.

x = ║                     shown: ├load(path)┤
x = load(path)║           what accepting it asks for; where that has no answer,
x = load(path)⏎║          what the next line asks for
"""

from __future__ import annotations

from dataclasses import replace

from fim_lsp import context
from fim_lsp.domain import Cancel, Meter, Outcome, Snapshot, Suggestion
from fim_lsp.pipeline import gate
from fim_lsp.pipeline.completer import Completer
from fim_lsp.syntax import LANGUAGES, describe


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


def answer(completer: Completer, snap: Snapshot, cancel: Cancel) -> Outcome:
    """Complete a place for the cache, and where that comes to nothing the line below it; raises ModelError."""
    outcome = completer.complete(snap, cancel)
    if outcome.suggestions or cancel.is_set() or (further := below(snap)) is None:
        return outcome
    return completer.complete(further, cancel)


def warm(completer: Completer, snap: Snapshot, cancel: Cancel) -> Outcome:
    """Have the backend that would answer read a place, if it is loaded and keeps what it reads."""
    loaded, meter = dict(completer.router.shelf.loaded), Meter()
    keeper = next((backend for backend in loaded.values() if backend.keeps), None)
    if keeper is None:
        return Outcome(reason="nothing is loaded that keeps what it reads")
    site = describe(snap, completer.trees.tree(snap, LANGUAGES[snap.language]))
    plan = gate.plan(snap, completer.config, site)
    request = context.build(snap, site, plan, keeper.budget.prefix_chars, keeper.budget.suffix_chars)
    choice = completer.router.choose(request, site)
    if loaded.get(choice.family) is not keeper:
        return Outcome(reason=f"{choice.family} answers here, which keeps nothing", choice=choice)
    next(keeper.generate(request, cancel, meter), None)  # the prompt is read before the first answer begins
    completer.router.learn(choice.family, meter)
    return Outcome((), cancel.reason or "read", keeper.name, choice.why, meter.timings, meter.tokens, choice)
