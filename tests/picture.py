"""Tests drawn like an editor: ║ is the cursor, ├…┤ the suggestion in place, ╠…╣ what it replaces."""

from __future__ import annotations

from textwrap import dedent

from fim_lsp.domain import Snapshot, Suggestion


def draw(picture: str, manual: bool = False, language: str = "python") -> Snapshot:
    """Read a picture with the cursor as ║."""
    text = dedent(picture).removeprefix("\n")
    before, _, after = text.partition("║")
    return Snapshot("file:///p.py", 1, language, before + after, len(before), manual)


def shown(snap: Snapshot, suggestion: Suggestion | None) -> str:
    """Return the picture of a suggestion in place, ∅ when nothing is shown."""
    if suggestion is None:
        return "∅"
    covered = snap.suffix[: suggestion.replaces]
    replaced = f"╠{covered}╣" if covered else ""
    return f"{snap.prefix}├{suggestion.text}┤{replaced}{snap.suffix[suggestion.replaces :]}"
