"""Break lines in one way, whatever the model said; the server turns it into the document's."""

from __future__ import annotations

from fim_lsp.domain import Snapshot, Suggestion, split_lines
from fim_lsp.languages import SyntaxTree


def apply(suggestion: Suggestion, snap: Snapshot, syntax: SyntaxTree) -> Suggestion | None:
    """Return the suggestion without carriage returns."""
    return suggestion.with_text("\n".join(split_lines(suggestion.text))) if "\r" in suggestion.text else suggestion
