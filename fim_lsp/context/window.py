"""The text next to the cursor, cut at lines.

The beginning moves in steps: while a person types on, it stays put, and with it all cached keys and values.
"""

from __future__ import annotations

from fim_lsp.domain import Snapshot

STEP_CHARS = 200  # the beginning of the window moves over boundaries this far apart


def start(snap: Snapshot, chars: int) -> int:
    """Return the offset where the prefix window begins: a line's start, at most `chars` before the cursor."""
    if snap.offset <= chars:
        return 0
    earliest = snap.offset - chars
    boundary = -(-earliest // STEP_CHARS) * STEP_CHARS
    line = snap.text.find("\n", boundary - 1, snap.offset)
    return line + 1 if line >= 0 else boundary


def end(snap: Snapshot, chars: int) -> int:
    """Return the offset where the suffix window ends: a line's end, at most `chars` after the cursor."""
    latest = snap.offset + chars
    if latest >= len(snap.text):
        return len(snap.text)
    line = snap.text.rfind("\n", snap.offset, latest)
    return line if line > snap.offset else latest
