"""Decide first: whether to complete here, and how much."""

from __future__ import annotations

import time
from collections.abc import Callable

from fim_lsp import languages
from fim_lsp.domain import GenerationLimits, Snapshot
from fim_lsp.languages import Site
from fim_lsp.settings import Config

LINE_TOKENS = 48  # gold lines have 7 tokens in the median; the rest is room for the long ones
BLOCK_TOKENS = 128
TEXT_TOKENS, TEXT_CANDIDATES = 16, 100  # of each hole of a text with several
MANUAL_CANDIDATES = 3
MANUAL_PATIENCE = 3  # a person who asked by hand waits longer, and for several answers


def is_foreign(snap: Snapshot, config: Config) -> str | None:
    names = {snap.language, languages.get(snap.language).name or snap.language}
    if names.isdisjoint(config.languages):
        return f"language {snap.language or 'unknown'!r} is not in fimLsp.languages"
    return None


def is_unknown(snap: Snapshot, config: Config) -> str | None:
    return snap.refusal or None


def is_unasked(snap: Snapshot, config: Config) -> str | None:
    return "fimLsp.trigger is manual" if config.trigger == "manual" and not snap.manual else None


def is_empty(snap: Snapshot, config: Config) -> str | None:
    return "the document is empty" if not snap.text.strip() and not snap.manual else None


def is_mid_word(snap: Snapshot, config: Config) -> str | None:
    left, right = snap.line_prefix[-1:], snap.line_suffix[:1]
    language = languages.get(snap.language)
    inside = language.is_word(left) and language.is_word(right)
    return "the cursor is inside a word" if inside and not snap.manual else None


REFUSALS: tuple[Callable[[Snapshot, Config], str | None], ...] = (
    is_unknown,
    is_foreign,
    is_unasked,
    is_empty,
    is_mid_word,
)


def refuse(snap: Snapshot, config: Config) -> str:
    """Return why nothing is to be suggested here, "" when something may; microseconds, no tree."""
    return next((reason for rule in REFUSALS if (reason := rule(snap, config))), "")


def refuse_at(site: Site, snap: Snapshot) -> str:
    """Return why nothing is to be suggested at a place that the tree knows more of, "" when something may."""
    return "a full stop in a comment asks for nothing" if snap.terms.is_by_character and site.zone == "comment" else ""


def limits(snap: Snapshot, config: Config, site: Site, began: float | None = None) -> GenerationLimits:
    """Choose one line or several from the tree, and the budget that goes with it.

    The deadline counts from `began`, in time.monotonic() seconds; by default from now on.
    """
    multiline, why = _is_multiline(site)
    if site.within:
        why += f", {site.snap.language or 'text'} within {site.within}"
    if not site.is_parsed:
        why += f", by lines and brackets alone: {_missing(site)}"
    multiline = multiline and config.max_lines > 1
    patience = MANUAL_PATIENCE if snap.manual else 1
    most_tokens, most_ms = snap.terms.max_tokens, snap.terms.deadline_ms
    tokens, ms = BLOCK_TOKENS if multiline else LINE_TOKENS, config.deadline_ms * patience
    return GenerationLimits(
        why=why,
        multiline=multiline,
        max_tokens=tokens if most_tokens is None else min(tokens, most_tokens),
        max_lines=config.max_lines if multiline else 1,
        candidates=MANUAL_CANDIDATES if snap.manual else 1,
        deadline=(time.monotonic() if began is None else began) + (ms if most_ms is None else min(ms, most_ms)) / 1e3,
    )


def limits_of_text(config: Config, holes: int) -> GenerationLimits:
    """Limit a text with several holes: short fills, and candidates enough for the parser to choose among."""
    deadline = time.monotonic() + config.deadline_ms * MANUAL_PATIENCE / 1e3
    if holes == 1:
        return GenerationLimits(why="one hole", max_tokens=LINE_TOKENS, candidates=MANUAL_CANDIDATES, deadline=deadline)
    return GenerationLimits(why="several holes", max_tokens=TEXT_TOKENS, candidates=TEXT_CANDIDATES, deadline=deadline)


def _missing(site: Site) -> str:
    if site.language.ts_language:
        return "parsing this text takes too long"
    known = f" ({site.language.wheel} is not installed)" if site.language.wheel else ""
    return f"no grammar for {site.snap.language!r}{known}"


def _is_multiline(site: Site) -> tuple[bool, str]:
    if site.zone != "code":
        return False, f"in a {site.zone}"
    if site.snap.line_suffix.strip():
        return False, "text right of the cursor"
    if site.opens_block:
        return True, "empty block"
    return False, "end of line" if site.snap.line_prefix.strip() else "blank line"
