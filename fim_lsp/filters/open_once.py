"""Take away the quotes that a suggestion begins with where they already stand left of the cursor.

\"\"\"║        +  \"\"\"Return nothing.\"\"\"    →  \"\"\"├Return nothing.\"\"\"┤
x = "║       +  "a"                      →  x = "├a"┤
x = "║       +  " + y                    →  as it is: this one closes the string
"""

from __future__ import annotations

from fim_lsp.domain import Snapshot, Suggestion
from fim_lsp.languages import SyntaxTree
from fim_lsp.languages.scan import opened_again
from fim_lsp.languages.zone import zone_of


def apply(suggestion: Suggestion, snap: Snapshot, syntax: SyntaxTree) -> Suggestion | None:
    """Return the suggestion without an opening quote that was typed before it."""
    again = opened_again(suggestion.text, snap.line_prefix, syntax.language)
    if not again or zone_of(snap, syntax) != "string":
        return suggestion
    return suggestion.with_text(suggestion.text.removeprefix(again))
