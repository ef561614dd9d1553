"""Which snippets of other files stand before a document's window, and that they stay there.

A snippet that is taken out or put in changes all keys and values behind it. While a person types the block stays what
it is, until something better by a margin appears.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace

from fim_lsp.context import imported, similar
from fim_lsp.context.index import Workspace
from fim_lsp.context.query import Query, query
from fim_lsp.domain import Snapshot, Snippet
from fim_lsp.languages import Site

SnippetSource = Callable[[Workspace, Query, Site], Sequence[Snippet]]
SnippetBlock = tuple[tuple[Snippet, ...], ...]  # of each source

SOURCES: tuple[tuple[SnippetSource, float], ...] = (  # in the order they are shown; of which score at least
    (imported.collect, 0.0),
    (similar.collect, similar.ALIKE),
)
MOST = 2
MARGIN = 1.25  # as much better must a snippet be to take another's place
DOCUMENTS = 32  # whose blocks are remembered


class Snippets:
    """The block of each document (decode thread)."""

    def __init__(self, workspace: Workspace):
        self.workspace = workspace
        self.blocks: OrderedDict[str, SnippetBlock] = OrderedDict()

    def choose(self, snap: Snapshot, site: Site) -> tuple[Snippet, ...]:
        """Return the snippets for a place, in the order they are shown: those of the last place unless others are
        better."""
        asked, before = query(snap), self.blocks.get(snap.uri, ((),) * len(SOURCES))
        block = [
            settle(old, collect(self.workspace, asked, site), least)
            for (collect, least), old in zip(SOURCES, before, strict=True)
        ]
        self.blocks[snap.uri] = tuple(block)
        self.blocks.move_to_end(snap.uri)
        while len(self.blocks) > DOCUMENTS:
            self.blocks.popitem(last=False)
        return shared_out(block)

    def drop(self, uri: str) -> None:
        """Forget a document."""
        self.blocks.pop(uri, None)


def shared_out(block: Sequence[Sequence[Snippet]]) -> tuple[Snippet, ...]:
    """Return as many snippets as there is room for: the first of each source, then what else they have."""
    room, counts = MOST, [0] * len(block)
    for turn in range(MOST):
        for at, some in enumerate(block):
            if room and len(some) > turn:
                room, counts[at] = room - 1, turn + 1
    return tuple(snippet for some, count in zip(block, counts, strict=True) for snippet in some[:count])


def settle(block: Sequence[Snippet], found: Sequence[Snippet], least: float = 0.0) -> tuple[Snippet, ...]:
    """Return the block with what is better by a margin in place of its weakest; the others stay where they are.

    What is in the block may fall below `least` by the margin.
    """
    now: list[Snippet] = []
    for old in block:
        covered = next((new for new in found if _covers(old, new) and new.score * MARGIN >= least), None)
        grown = next((new for new in found if new.path == old.path and new.score >= least), None)
        kept = replace(old, why=covered.why, score=covered.score) if covered else grown
        if kept and kept not in now:
            now.append(kept)
    for new in found[:MOST]:
        if new.score < least or any(_covers(old, new) for old in now):
            continue
        weakest = min(now, key=lambda old: old.score, default=new)
        if len(now) < MOST:
            now.append(new)
        elif new.score > weakest.score * MARGIN:
            now[now.index(weakest)] = new
    return tuple(now)


def _covers(old: Snippet, new: Snippet) -> bool:
    """True for a snippet of the same file that has every line of the new one."""
    return old.path == new.path and set(new.text.split("\n")) <= set(old.text.split("\n"))
