"""What the model is shown: a window around the cursor, and before it what the window had to leave out.

Each source of text is a file with one function; PREAMBLE lists them in the order they stand before the window,
the most stable first, because text that changes invalidates the keys and values of all that follows it. Text of other
files comes before all that: snippets.py lists its sources. What an editor closed by itself behind the cursor is not
shown: the model would take the line for ended there, and all that is read after the suffix would be read anew.
"""

from __future__ import annotations

from collections.abc import Callable

from fim_lsp.context import headers, imports, window
from fim_lsp.domain import FimRequest, GenerationLimits, Snapshot, Snippet
from fim_lsp.languages import Site
from fim_lsp.languages.scan import closers_behind

Source = Callable[[str, str, Site, int], str]  # text before the window, text near the cursor, site, room

PREAMBLE: tuple[Source, ...] = (imports.collect, headers.collect)
PREAMBLE_SHARE = 0.25  # of the prefix's characters, at most


def build(
    snap: Snapshot,
    site: Site,
    limits: GenerationLimits,
    prefix_chars: int,
    suffix_chars: int,
    snippets: tuple[Snippet, ...] = (),
) -> FimRequest:
    """Cut the window and put before it what it lost; sizes in characters."""
    start, preamble = window.start(snap, prefix_chars), ""
    if start:
        room, near = int(prefix_chars * PREAMBLE_SHARE), window.settled(snap, prefix_chars)
        for collect in PREAMBLE:
            text = collect(snap.text[:start], near, site, room - len(preamble))
            preamble += f"{text}\n" if text else ""
        start = window.start(snap, prefix_chars - len(preamble))
    prefix = preamble + snap.text[start : snap.offset]
    behind = closers_behind(site.snap.line_prefix, site.snap.line_suffix, site.language)
    suffix = snap.text[snap.offset + len(behind) : window.end(snap, suffix_chars)]
    return FimRequest((_normal(prefix), _normal(suffix)), limits, snippets, site.snap.language, snap.path)


def _normal(text: str) -> str:
    """The models were trained on files with one kind of line break."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
