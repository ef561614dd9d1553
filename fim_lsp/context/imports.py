"""The imports that the window no longer shows, those first whose names stand near the cursor."""

from __future__ import annotations

import re

from fim_lsp.domain import Snapshot
from fim_lsp.syntax import Site

NEAR_CHARS = 2000


def collect(snap: Snapshot, site: Site, start: int, room: int) -> str:
    """Return import lines from before `start` in file order, at most `room` characters."""
    near = set(re.findall(r"\w+", snap.text[max(start, snap.offset - NEAR_CHARS) : snap.offset + NEAR_CHARS // 2]))
    hidden = [(at, text) for at, text in site.imports if at < start]
    used = [(at, text) for at, text in hidden if near & set(re.findall(r"\w+", text.rpartition("import")[2]))]
    kept: list[tuple[int, str]] = []
    for at, text in used:
        if len(text) + 1 <= room:
            kept.append((at, text))
            room -= len(text) + 1
    return "\n".join(text for _, text in sorted(kept))
