"""Take away from the suggestion's end what already stands right of the cursor, or cover it.

foo(║)      +  a, b)      →  foo(a, b║)      the repeated bracket is cut
foo(║)      +  bar(a)     →  foo(bar(a)║)    this one is the suggestion's own
def f(║)    +  a, b):     →  def f(├)┤ → a, b):   the bracket is covered, because more follows it
f(a, g(║))  +  b).c       →  f(a, g(├b).c┤) … )   one of two is
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice

from fim_lsp.domain import Snapshot, Suggestion
from fim_lsp.languages import Language, SyntaxTree
from fim_lsp.languages.block import indent_of, lines_below
from fim_lsp.languages.scan import closed_by, closers_behind, stray_closers

BRACKETS = ")]}"
ENDS = ",;"  # a line is the same with and without


def apply(suggestion: Suggestion, snap: Snapshot, syntax: SyntaxTree) -> Suggestion | None:
    """Cut or cover the repeated text right of the cursor; drop lines below that come again."""
    language = syntax.language
    standing = snap.line_suffix.rstrip()
    text = _without_lines_below(suggestion.text, snap, language)
    if text is None:
        return None
    if not standing:
        return suggestion.with_text(text)
    first, newline, rest = text.partition("\n")
    trimmed = first.rstrip()
    if closers_behind(snap.line_prefix, snap.line_suffix, language):
        return _over_closers(suggestion.with_text(trimmed), standing, language)
    if _is_own(trimmed, standing, language):
        return suggestion.with_text(text)
    if trimmed.endswith(standing):
        return suggestion.with_text(trimmed[: -len(standing)] + newline + rest if rest else trimmed[: -len(standing)])
    covered = _covered(trimmed, standing, language)
    if covered:
        return replace(suggestion.with_text(text), replaces=covered)
    overlap = next((n for n in range(min(len(trimmed), len(standing)), 0, -1) if trimmed.endswith(standing[:n])), 0)
    is_own = _is_own(trimmed, standing[:overlap], language)
    if overlap and not is_own and (overlap > 1 or standing[0] in BRACKETS + language.quotes + language.long_quotes):
        return suggestion.with_text(trimmed[:-overlap])
    return suggestion.with_text(text)


def _over_closers(suggestion: Suggestion, standing: str, language: Language) -> Suggestion:
    """Cover those of the standing closers that a line closes before its end; what it closes at its end goes."""
    closed = len(closed_by(suggestion.text, standing, language))
    without = suggestion.text.removesuffix(standing[:closed])
    if closed and not closed_by(without, standing, language):
        return suggestion.with_text(without)
    return replace(suggestion, replaces=closed)


def _is_own(line: str, end: str, language: Language) -> bool:
    """True when the line ends so, and opened the brackets that its end closes: they repeat nothing."""
    closers = set(BRACKETS) & set(language.brackets) & set(end)
    return line.endswith(end) and bool(closers) and not stray_closers(line, language)


def _covered(line: str, standing: str, language: Language) -> int:
    """Count the standing characters, closers only, that `line` writes again before its own closing end."""
    closers = re.compile(
        rf"[\s{re.escape(BRACKETS + language.quotes + language.long_quotes + language.after_closer)},:;]*"
    )
    if not closers.fullmatch(standing):
        return 0
    tail = closers.match(line[::-1])
    closing = line[len(line) - tail.end() :] if tail else ""
    return len(standing) if standing in closing else 0


def _without_lines_below(text: str, snap: Snapshot, language: Language) -> str | None:
    """Cut trailing lines that the document's next lines already say; None when that is all of several."""
    lines = text.split("\n")
    below = [_comparable(line, language) for line in islice(lines_below(snap), len(lines))]
    said = [_comparable(line, language) for line in [snap.line_prefix + lines[0], *lines[1:]]]
    bare = [line for line in said if line.strip()]
    if len(bare) > 1 and bare == below[: len(bare)] and not snap.line_suffix.strip():
        return None
    for size in range(min(len(lines) - 1, len(below)), 0, -1):
        if said[-size:] == below[:size]:
            return "\n".join(lines[:-size])
    return text


def _comparable(line: str, language: Language) -> str:
    """Return a line without its indent, unless it only closes a block: then the indent says which."""
    bare = line.strip()
    return f"{indent_of(line)} {bare}" if language.is_closing(bare) else bare.rstrip(ENDS)
