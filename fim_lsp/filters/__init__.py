"""What makes a raw suggestion fit to show: one file per filter, in this order.

A filter takes a suggestion and returns it, a changed copy, or None to drop it; its module's name is the reason
given when it does.
"""

from __future__ import annotations

from collections.abc import Callable

from fim_lsp.domain import Snapshot, Suggestion
from fim_lsp.filters import (
    balance_brackets,
    drop_blank,
    drop_repetition,
    keep_apart,
    keep_indentation,
    keep_valid,
    keep_whole_lines,
    open_once,
    trim_overlap,
    unify_breaks,
)
from fim_lsp.languages import SyntaxTree

Filter = Callable[[Suggestion, Snapshot, SyntaxTree], Suggestion | None]

FILTERS: tuple[tuple[str, Filter], ...] = (
    ("unify_breaks", unify_breaks.apply),
    ("keep_whole_lines", keep_whole_lines.apply),
    ("keep_indentation", keep_indentation.apply),
    ("open_once", open_once.apply),
    ("drop_repetition", drop_repetition.apply),
    ("trim_overlap", trim_overlap.apply),
    ("keep_apart", keep_apart.apply),
    ("balance_brackets", balance_brackets.apply),
    ("drop_blank", drop_blank.apply),
    ("keep_valid", keep_valid.apply),
)


def apply(suggestion: Suggestion, snap: Snapshot, syntax: SyntaxTree) -> tuple[Suggestion | None, str]:
    """Pass a suggestion through all filters; returns it, or None and the filter that dropped it."""
    for name, step in FILTERS:
        kept = step(suggestion, snap, syntax)
        if kept is None:
            return None, name
        suggestion = kept
    return suggestion, ""
