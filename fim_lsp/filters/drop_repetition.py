"""Drop text that goes in circles, or that says again what stands on the lines around the cursor."""

from __future__ import annotations

import re

from fim_lsp.domain import Snapshot, Suggestion, split_lines
from fim_lsp.languages import Language, SyntaxTree

LOOP = re.compile(r"(.{1,2}?)\1{11,}$|(.{3,}?)\2{4,}$|(.{10,}?)\3{2,}$", re.DOTALL)
LINE_LEAST = 12  # characters; shorter lines repeat the one above honestly: `pass`, `return x`
SAME_LINES = 3


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
    if LOOP.search(text.rstrip()):
        return None
    return None if _echoes(text, snap, language) else suggestion.with_text(text)


def _echoes(text: str, snap: Snapshot, language: Language) -> bool:
    """True when accepting would only repeat the line above or the line below."""
    if "\n" in text.strip():
        return False
    line = (snap.line_prefix + text).strip()
    if language.is_closing(line) or not line.strip(")]},;"):
        return False  # a second one may be just what is lacking
    above = snap.prefix.rstrip("\r\n").removesuffix(snap.line_prefix).rstrip().rpartition("\n")[2]
    below = next((other for other in split_lines(snap.suffix[len(snap.line_suffix) :]) if other.strip()), "")
    return line == below.strip() or (len(line) >= LINE_LEAST and line == above.strip())
