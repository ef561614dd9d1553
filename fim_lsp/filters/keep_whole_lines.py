"""Cut back to what is whole when decoding ended early: to the last line, or in a single line to the last word."""

from __future__ import annotations

from fim_lsp.domain import Snapshot, Suggestion
from fim_lsp.languages import SyntaxTree


def apply(suggestion: Suggestion, snap: Snapshot, syntax: SyntaxTree) -> Suggestion | None:
    """Drop the unfinished end of a text; that of a confident prefix is where a word ends."""
    language = syntax.language
    if suggestion.finish == "stop":
        return suggestion
    if suggestion.finish == "cancelled":
        return None
    text = suggestion.text
    if "\n" in text.strip("\n"):
        return suggestion.with_text(text[: text.rindex("\n")])
    if suggestion.finish == "unsure":
        return suggestion
    end = len(text)
    while end and language.is_word(text[end - 1]):
        end -= 1
    return suggestion.with_text(text[:end])
