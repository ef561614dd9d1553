"""Which requests belong together: those whose keys and values a decoder can use again.

token of one's own, Zed ──────────────▶ all of a person's requests
token that all share, file of 3 lines ▶ text that stays while one types:   x = ‸⏎       the lines below the cursor's,
                                                                           y = 1 ◀──    or the file's beginning
"""

from __future__ import annotations

import hashlib

from fim_lsp.domain import Snapshot
from fim_lsp.http.guard import Caller

ANCHOR_CHARS, LEAST_CHARS = 200, 40


def session_key(snap: Snapshot, caller: Caller) -> str:
    """Name the session of a request; a digest, for routers log it."""
    is_named = caller.session or caller.owner
    said = [caller.owner, caller.session] if is_named else ["", snap.path, _anchor(snap)]
    return hashlib.blake2b("\0".join(said).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def _anchor(snap: Snapshot) -> str:
    """Return text that the next keystroke leaves as it is; the prompt begins with the suffix, so it first."""
    below = snap.suffix[len(snap.line_suffix) :].strip()
    return (below if len(below) >= LEAST_CHARS else snap.prefix)[:ANCHOR_CHARS]
