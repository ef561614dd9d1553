"""Tests drawn like an editor: ║ is the cursor, ├…┤ the suggestion in place, ╠…╣ what it replaces."""

from __future__ import annotations

from textwrap import dedent

from fim_lsp.backends.fake import FakeBackend
from fim_lsp.domain import Cancel, Outcome, Snapshot, Suggestion
from fim_lsp.pipeline.completer import Completer
from fim_lsp.settings import Config

NOTHING = "∅"


def draw(picture: str, manual: bool = False, language: str = "python") -> Snapshot:
    """Read a picture with the cursor as ║."""
    text = dedent(picture).removeprefix("\n")
    before, _, after = text.partition("║")
    return Snapshot("file:///p.py", 1, language, before + after, len(before), manual)


def shown(snap: Snapshot, suggestion: Suggestion | None) -> str:
    """Return the picture of a suggestion in place, ∅ when nothing is shown."""
    if suggestion is None:
        return NOTHING
    covered = snap.suffix[: suggestion.replaces]
    replaced = f"╠{covered}╣" if covered else ""
    return f"{snap.prefix}├{suggestion.text}┤{replaced}{snap.suffix[suggestion.replaces :]}"


def ask(snap: Snapshot, said: str) -> Outcome:
    """Return what the whole pipeline makes of a place where the model says so."""
    config = Config(languages=(snap.language,), word_fallback=False)
    return Completer(config, lambda family, model: FakeBackend(said)).complete(snap, Cancel())


def show(document: str, said: str, language: str = "python") -> str:
    """Return the picture of a drawn document where the model says so, the last line's end left out."""
    snap = draw(document, language=language)
    outcome = ask(snap, said)
    return shown(snap, outcome.suggestions[0] if outcome.suggestions else None).rstrip("\n")


def accepted(picture: str) -> str:
    """Return the text after accepting what a picture shows."""
    return "".join(char for char in picture.partition("╠")[0] if char not in "├┤") + picture.partition("╣")[2]
