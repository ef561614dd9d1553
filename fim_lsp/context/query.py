"""What other files are asked for: the lines around the cursor, and the words in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from fim_lsp.context.index.windows import WORD, words_of
from fim_lsp.domain import Snapshot, split_lines

LINES_BEFORE, LINES_AFTER = 10, 2  # the cursor's own line counts to both
MOST_CHARS = 1_000  # of them on either side
FAR_CHARS = 4_000  # before the cursor, where what a name is may be said
UNFINISHED = re.compile(r"\w+$")


@dataclass(frozen=True)
class Query:
    """The lines around a cursor without the word that is being written, and more of what stands above."""

    before: str
    after: str
    path: str
    above: str

    @cached_property
    def latest(self) -> tuple[str, ...]:
        """The words, those just before the cursor first."""
        return tuple(dict.fromkeys([*reversed(WORD.findall(self.before)), *WORD.findall(self.after)]))

    @cached_property
    def words(self) -> frozenset[str]:
        return words_of(f"{self.before}\n{self.after}")


def query(snap: Snapshot) -> Query:
    """Cut a query out of a document."""
    before = split_lines(snap.text[max(0, snap.offset - MOST_CHARS) : snap.offset])[-LINES_BEFORE:]
    after = split_lines(snap.text[snap.offset : snap.offset + MOST_CHARS])[:LINES_AFTER]
    above = snap.text[max(0, snap.offset - FAR_CHARS) : snap.offset]
    return Query(UNFINISHED.sub("", "\n".join(before)), "\n".join(after), snap.path, above)
