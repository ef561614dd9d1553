"""Keep brackets in balance with what already stands: no closer that nothing opened."""

from __future__ import annotations

from fim_lsp.domain import Snapshot, Suggestion
from fim_lsp.languages import SyntaxTree
from fim_lsp.languages.scan import open_brackets, scan, stray_closers
from fim_lsp.languages.zone import zone_of

LOOK_BACK_CHARS = 4000  # and as many on the line after the cursor


def apply(suggestion: Suggestion, snap: Snapshot, syntax: SyntaxTree) -> Suggestion | None:
    """Cut at the first closer that closes no bracket, neither the text's own nor one open before the cursor."""
    language, zone = syntax.language, zone_of(snap, syntax)
    quote = scan(snap.line_prefix[-LOOK_BACK_CHARS:], language).quote if zone == "string" else ""
    if zone != "code" and not quote:
        return suggestion
    near = snap.prefix[-LOOK_BACK_CHARS:]
    if len(snap.prefix) <= LOOK_BACK_CHARS:
        open_before = open_brackets(near, language)
    else:
        open_before = open_brackets(snap.line_prefix[-LOOK_BACK_CHARS:], language) or open_brackets(near, language)
    standing = stray_closers(quote + snap.line_suffix[suggestion.replaces :][:LOOK_BACK_CHARS], language)
    available = open_before[: len(open_before) - len(standing)] if standing else open_before
    stray = stray_closers(quote + suggestion.text, language, available)
    return suggestion.with_text(suggestion.text[: stray[0][0] - len(quote)]) if stray else suggestion
