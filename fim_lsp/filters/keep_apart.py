"""Drop what would run into the code right of the cursor.

║const a = 1;    +  let b = 2;     nothing: two statements on a line
foo(║)bar        +  a              nothing: whatever stood there, `bar` would follow a bracket
"""

from __future__ import annotations

import re

from fim_lsp.domain import Snapshot, Suggestion
from fim_lsp.languages import SyntaxTree
from fim_lsp.languages.scan import open_brackets

LOOK_BACK_CHARS = 4000
STUCK = re.compile(r"[)\]}\"'`]+\w")
ENDS = ")]},;:"


def apply(suggestion: Suggestion, snap: Snapshot, syntax: SyntaxTree) -> Suggestion | None:
    """Return the suggestion, None where a statement would follow it on its line, or nothing can be right."""
    standing = snap.line_suffix[suggestion.replaces :].lstrip()[:LOOK_BACK_CHARS]
    if not standing or syntax.root is None:
        return suggestion
    language = syntax.language
    if suggestion.text.rstrip().endswith(";") and standing[0] not in ENDS + language.quotes + language.long_quotes:
        line = snap.line_prefix[-LOOK_BACK_CHARS:]
        return suggestion if open_brackets(line, language).endswith("(") else None
    stuck = STUCK.match(standing)
    return None if stuck and _is_odd(standing, stuck.end() - 1, snap, syntax) else suggestion


def _is_odd(standing: str, closers: int, snap: Snapshot, syntax: SyntaxTree) -> bool:
    """True where the line would have fewer errors if what follows its closers were not there."""
    head, below = snap.prefix + syntax.language.expression, snap.suffix[len(snap.line_suffix) :]
    as_it_is, without = (
        SyntaxTree.parse(head + rest + below, syntax.language, syntax).faults()
        for rest in (snap.line_suffix, standing[:closers])
    )
    return without < as_it_is
