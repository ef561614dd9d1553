"""Drop a suggestion with nothing to read in it, and trailing white space from the others."""

from __future__ import annotations

from fim_lsp.domain import Snapshot, Suggestion
from fim_lsp.languages import SyntaxTree


def apply(suggestion: Suggestion, snap: Snapshot, syntax: SyntaxTree) -> Suggestion | None:
    """Return the suggestion without trailing white space, None when nothing is left."""
    text = suggestion.text.rstrip()
    if not text:
        return None
    return suggestion.with_text(text)
