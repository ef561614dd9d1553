"""The text next to the cursor, cut at lines.

The beginning moves in steps: while a person types on, it stays put, and with it all cached keys and values.
"""

from __future__ import annotations

from fim_lsp.domain import Snapshot

STEP_CHARS = 200  # the beginning of the window moves over boundaries this far apart
NEAR_CHARS = 1000  # after the cursor


def start(snap: Snapshot, chars: int) -> int:
    """Return the offset where the prefix window begins: a line's start, at most `chars` before the cursor."""
    if snap.offset <= chars:
        return 0
    boundary = _boundary(snap, chars)
    line = snap.text.find("\n", boundary - 1, snap.offset)
    return line + 1 if line >= 0 else boundary


def end(snap: Snapshot, chars: int) -> int:
    """Return the offset where the suffix window ends: a line's end, at most `chars` after the cursor."""
    latest = snap.offset + chars
    if latest >= len(snap.text):
        return len(snap.text)
    line = snap.text.rfind("\n", snap.offset, latest)
    return line if line > snap.offset else latest


def settled(snap: Snapshot, chars: int) -> str:
    """Return the text near the cursor without what was typed since the window moved.

    What stands before the window is chosen by this: a name just typed would change it, and all that follows it.
    """
    begin = start(snap, chars)
    return (
        snap.text[begin : _boundary(snap, chars) + chars - STEP_CHARS]
        + snap.text[snap.offset : snap.offset + NEAR_CHARS]
    )


def _boundary(snap: Snapshot, chars: int) -> int:
    """Return the first multiple of the step that is at most `chars` before the cursor."""
    return -((chars - snap.offset) // STEP_CHARS) * STEP_CHARS
