"""The headers of the definitions around the cursor that begin before the window."""

from __future__ import annotations

from fim_lsp.domain import Snapshot
from fim_lsp.syntax import Site


def collect(snap: Snapshot, site: Site, start: int, room: int) -> str:
    """Return `class` and `def` lines from before `start`, outermost first, at most `room` characters."""
    lines = [line for at, line in site.headers if at < start]
    while lines and sum(len(line) + 1 for line in lines) > room:
        lines.pop(0)  # the innermost says most about what comes next
    return "\n".join(lines)
