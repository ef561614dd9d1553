"""What one family says to a request, stopped, filtered and judged; of two such answers, the surer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from fim_lsp import filters
from fim_lsp.backends.base import Backend
from fim_lsp.domain import Cancel, FimRequest, GenerationLimits, Meter, Suggestion
from fim_lsp.errors import RemoteFault
from fim_lsp.languages import Site
from fim_lsp.pipeline import confident_prefix, stops, unresolved


@dataclass(frozen=True)
class Answer:
    """Suggestions of a backend, the best first, and why others were dropped."""

    backend: str
    kept: tuple[Suggestion, ...]
    dropped: tuple[str, ...]
    meter: Meter = field(compare=False)
    fault: str = ""  # of a server that was asked in vain

    @property
    def confidence(self) -> float | None:
        """Of a whole suggestion: the other family is not asked because a mere prefix is sure."""
        return self.kept[0].confidence if self.kept and self.kept[0].is_whole else None


def generate(
    backend: Backend,
    request: FimRequest,
    site: Site,
    cursor_kind: str,
    cancel: Cancel,
    defined: unresolved.Elsewhere = unresolved.nowhere,
) -> Answer:
    """Run a backend; a lone candidate that is too unlikely is cut to its confident prefix, or dropped.

    Several are kept however unlikely, for a person chooses among them; so are the whole lines of a block that deadline
    or budget cut short. A server's fault is told, not raised: another family may stand in. `defined` knows the names of
    other files.
    """
    meter = Meter()
    kept: list[Suggestion] = []
    dropped: list[str] = []
    for drafts in backend.generate(request, cancel, meter):
        ends: list[confident_prefix.DraftEnd] = []
        try:
            raw = stops.apply(confident_prefix.noting_ends(drafts, ends), request.limits, site)
        except RemoteFault as fault:
            return Answer(backend.name, (), (str(fault),), meter, str(fault))
        if raw is None or cancel.is_set():
            continue
        with meter.stage("filters"):
            shown, dropper = filters.apply(raw, site.snap, site.syntax)
            if shown is None:
                dropped.append(f"filter {dropper}")
                continue
            shown = _judge(backend, shown, cursor_kind, request, site, defined)
            is_judged = shown.finish == "stop" or "\n" not in shown.text.strip()
            if request.limits.candidates == 1 and is_judged and _is_unlikely(backend, shown):
                why = f"too unlikely, {shown.confidence:.1%}{unresolved.describe(shown.unresolved)}"
                dropped.append(why + _describe_limit(backend))
                shown = _confident_prefix(raw, ends, site, defined, shown.unresolved)
        if shown is not None and shown.text not in [other.text for other in kept]:
            kept.append(shown)
    return Answer(backend.name, tuple(kept), tuple(dropped), meter)


def alternatives(
    backend: Backend,
    request: FimRequest,
    site: Site,
    cursor_kind: str,
    said: str,
    cancel: Cancel,
    meter: Meter,
    defined: unresolved.Elsewhere = unresolved.nowhere,
) -> tuple[Suggestion, ...]:
    """Return what would be shown if a person typed on otherwise than `said`, one for each first character."""
    kept = []
    for drafts in backend.generate_alternatives(request, said, cancel, meter):
        ends: list[confident_prefix.DraftEnd] = []
        if (raw := stops.apply(confident_prefix.noting_ends(drafts, ends), request.limits, site)) is None:
            continue
        if (shown := filters.apply(raw, site.snap, site.syntax)[0]) is not None:
            shown = _judge(backend, shown, cursor_kind, request, site, defined)
            if shown.finish != "stop" or _is_unlikely(backend, shown):
                shown = _confident_prefix(raw, ends, site, defined, shown.unresolved)
        if shown is not None:
            kept.append(shown)
    return tuple(kept)


def surer(answers: Sequence[Answer]) -> Answer:
    """Return the answer whose best suggestion is likelier, the first of equals; one that says nothing comes last."""
    heard = [answer for answer in answers if not answer.fault]
    return max(heard or answers, key=lambda answer: -1.0 if answer.confidence is None else answer.confidence)


def reason(dropped: Sequence[str], cancel: Cancel, limits: GenerationLimits) -> str:
    """Say why there is no suggestion."""
    if cancel.is_set():
        return cancel.reason or "cancelled"
    if dropped:
        return dropped[0]
    return "deadline" if limits.expired else "the model had nothing to say"


def describe_confidence(confidence: float | None) -> str:
    """Say how sure an answer is."""
    return "nothing to say" if confidence is None else f"{confidence:.0%} sure"


def _judge(
    backend: Backend,
    shown: Suggestion,
    cursor_kind: str,
    request: FimRequest,
    site: Site,
    defined: unresolved.Elsewhere,
) -> Suggestion:
    judged = backend.calibration.judge(shown, cursor_kind, request.segments) if backend.calibration else shown
    judged = unresolved.doubt(judged, site, defined, _limit(backend))
    return replace(judged, confidence=round(judged.confidence, 4))


def _is_unlikely(backend: Backend, shown: Suggestion) -> bool:
    return shown.confidence < _limit(backend)


def _limit(backend: Backend) -> float:
    """Return the fitted confidence below which nothing is shown unasked, 0 where none was fitted."""
    return backend.calibration.limit if backend.calibration else 0.0


def _describe_limit(backend: Backend) -> str:
    is_learnt = backend.calibration is not None and backend.calibration.curve is not None
    return f"; what you take asks for {_limit(backend):.1%}" if is_learnt else ""


def _confident_prefix(
    raw: Suggestion,
    ends: list[confident_prefix.DraftEnd],
    site: Site,
    defined: unresolved.Elsewhere,
    strange: tuple[str, ...],
) -> Suggestion | None:
    """Return what is sure before what is not; nothing that has a name which resolves nowhere, be it the last word."""
    sure = confident_prefix.truncate(raw, ends, site.language)
    kept = filters.apply(sure, site.snap, site.syntax)[0] if sure else None
    if kept is None or unresolved.has(kept, site, strange) or unresolved.find(kept, site, defined):
        return None
    return kept
