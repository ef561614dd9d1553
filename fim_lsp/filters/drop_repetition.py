"""Drop text that goes in circles, or that says again what stands on the lines around the cursor."""

from __future__ import annotations

from fim_lsp.domain import Snapshot, Suggestion
from fim_lsp.languages import SyntaxTree
from fim_lsp.languages.block import lines_below
from fim_lsp.languages.loops import round_at_end

LOOP_CHARS = 600  # a round has at most
LINE_LEAST = 12  # characters; shorter lines repeat the one above honestly: `pass`, `return x`
SAME_LINES = 3
ENDS = ",;"  # a line is the same with and without


def apply(suggestion: Suggestion, snap: Snapshot, syntax: SyntaxTree) -> Suggestion | None:
    """Cut a multi-line text where a line comes for the third time; drop loops and echoes."""
    language = syntax.language
    lines = suggestion.text.split("\n")
    bare = [line.strip() for line in lines]
    for at, line in enumerate(bare):
        if line and not language.is_closing(line) and bare[: at + 1].count(line) >= SAME_LINES:
            lines = lines[: bare.index(line) + 1]
            break
    text = "\n".join(lines)
    if round_at_end(text.rstrip(), 1, LOOP_CHARS):
        return None
    return None if _echoes(text, snap, syntax) else suggestion.with_text(text)


def _echoes(text: str, snap: Snapshot, syntax: SyntaxTree) -> bool:
    """True when accepting would only repeat the line above or the line below."""
    if "\n" in text.strip():
        return False
    line, below = (snap.line_prefix + text).strip(), next(lines_below(snap), "")
    if syntax.language.is_closing(line) or not line.strip(ENDS + ")]}"):
        return line == below.strip() and line.isalpha() and _takes_its_place(text, below, snap, syntax)
    above = snap.prefix[: len(snap.prefix) - len(snap.line_prefix)].rstrip().rpartition("\n")[2]
    return line.rstrip(ENDS) == below.strip().rstrip(ENDS) or (len(line) >= LINE_LEAST and line == above.strip())


def _takes_its_place(closer: str, below: str, snap: Snapshot, syntax: SyntaxTree) -> bool:
    """True where the closer below is a mere word once this one stands; else it may be just what is lacking."""
    head = snap.prefix + closer
    tree = SyntaxTree.parse(head + snap.suffix, syntax.language, syntax)
    word = snap.suffix.index(below, len(snap.line_suffix)) + len(below) - len(below.lstrip())
    leaf = tree.leaf(len((head + snap.suffix[:word]).encode()))
    return leaf is not None and leaf.is_named
