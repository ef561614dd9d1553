"""Suggestions as texts to insert at the cursor, which is all that these protocols can say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from fim_lsp.domain import Outcome, Snapshot, Suggestion
from fim_lsp.http.place import CompletionAsk


class TextChoice(NamedTuple):
    """A text to insert, and why it ends: stop or length."""

    text: str
    finish: str


def read(ask: CompletionAsk, snap: Snapshot, outcome: Outcome) -> list[TextChoice]:
    """Return the choices of an outcome, the best first; where nothing is to be suggested, one without text."""
    found = [_cut(insertion(one, snap), one, ask.stop, snap.eol) for one in outcome.suggestions]
    return [one for one in found if one.text][: ask.choices] or [TextChoice("", "stop")]


def insertion(suggestion: Suggestion, snap: Snapshot) -> str:
    """Return what a suggestion inserts once what it covers right of the cursor stands; "" where no insertion says it.

    def f(├)┤   →  a, b):     inserts  a, b   and leaves the `:` to the next key
    """
    covered = snap.suffix[: suggestion.replaces]
    head, found, _ = suggestion.text.rpartition(covered) if covered else (suggestion.text, "", "")
    return head if found or not covered else ""


def _cut(text: str, suggestion: Suggestion, stops: Sequence[str], eol: str) -> TextChoice:
    ends = [at for stop in stops if (at := text.find(stop)) >= 0]
    cut = text[: min(ends)] if ends else text
    is_short = not ends and suggestion.finish in ("length", "deadline")
    return TextChoice(cut.replace("\n", eol), "length" if is_short else "stop")
