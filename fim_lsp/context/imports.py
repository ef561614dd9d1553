"""The imports that the window no longer shows, those whose names stand near the cursor."""

from __future__ import annotations

import re

from fim_lsp.languages import Site


def collect(lost: str, near: str, site: Site, room: int) -> str:
    """Return import lines from before the window in file order, at most `room` characters."""
    names = set(re.findall(r"\w+", near))
    hidden = [(at, text) for at, text in site.imports if at < len(lost)]
    used = [(at, text) for at, text in hidden if names & site.language.imported(text)]
    kept: list[tuple[int, str]] = []
    for at, text in used:
        if len(text) + 1 <= room:
            kept.append((at, text))
            room -= len(text) + 1
    return "\n".join(text for _, text in sorted(kept))
