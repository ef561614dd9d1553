"""The marks of the set's vocabulary, ids 0 to 9."""

from __future__ import annotations

from fim_lsp.checkpoints.marks import Marks

SPECIAL = tuple(
    f"<|{name}|>"
    for name in ("end", "prefix", "suffix", "middle", "mask", "delete", "expand", "separator", "follows", "foreign")
)
END, PREFIX, SUFFIX, MIDDLE, MASK, DELETE, EXPAND, SEPARATOR, FOLLOWS, FOREIGN = range(len(SPECIAL))
MARKS = Marks(begin=END, mask=MASK, delete=DELETE, expand=EXPAND)
