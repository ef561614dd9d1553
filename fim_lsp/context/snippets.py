"""Which snippets of other files stand before a document's window, and that they stay there.

A snippet that is taken out or put in changes all keys and values behind it. While a person types the block stays what
it is, until something better by a margin appears.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

from fim_lsp.context import similar
from fim_lsp.context.index import Workspace
from fim_lsp.context.query import Query, query
from fim_lsp.domain import Snapshot, Snippet
from fim_lsp.languages import Site

Source = Callable[[Workspace, Query, Site], Sequence[Snippet]]

SOURCES: tuple[Source, ...] = (similar.collect,)
MOST = 2
MARGIN = 1.25  # as much better must a snippet be to take another's place
DOCUMENTS = 32  # whose blocks are remembered


class Snippets:
    """The block of each document (decode thread)."""

    def __init__(self, workspace: Workspace):
        self.workspace = workspace
        self.blocks: OrderedDict[str, tuple[Snippet, ...]] = OrderedDict()

    def choose(self, snap: Snapshot, site: Site) -> tuple[Snippet, ...]:
        """Return the snippets for a place, the most useful first: those of the last place unless others are better."""
        asked = query(snap)
        found = [snippet for collect in SOURCES for snippet in collect(self.workspace, asked, site)]
        block = settle(self.blocks.get(snap.uri, ()), found)
        self.blocks[snap.uri] = block
        self.blocks.move_to_end(snap.uri)
        while len(self.blocks) > DOCUMENTS:
            self.blocks.popitem(last=False)
        return block

    def drop(self, uri: str) -> None:
        """Forget a document."""
        self.blocks.pop(uri, None)


def settle(block: Sequence[Snippet], found: Sequence[Snippet]) -> tuple[Snippet, ...]:
    """Return what is found, but in the order and with the members of the block as long as these are nearly as good."""
    scores = {(snippet.path, snippet.text): snippet for snippet in found}
    kept = [now for old in block if (now := scores.get((old.path, old.text)))]
    best = list(found[:MOST])
    if len(kept) == len(best) and all(one.score * MARGIN >= other.score for one, other in zip(kept, best, strict=True)):
        return tuple(kept)
    return tuple(best)
