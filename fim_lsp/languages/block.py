"""The empty block at the cursor: the header it has, and whether something closes it already."""

from __future__ import annotations

import tree_sitter

from fim_lsp.domain import Snapshot, split_lines
from fim_lsp.languages.scan import scan
from fim_lsp.languages.tree import SyntaxTree

NEAR_CHARS = 10_000  # looked at below the cursor


def indent_of(line: str) -> int:
    """Columns of leading white space, a tab counting to the next multiple of eight."""
    blank = line[: len(line) - len(line.lstrip(" \t"))]
    return len(blank.expandtabs(8))


def open_header(snap: Snapshot, syntax: SyntaxTree) -> str | None:
    """Return the first line of the header whose empty block begins at the cursor, None where no such does."""
    language, is_below = syntax.language, not snap.line_prefix.strip()
    if snap.line_suffix.strip() or not (is_below or snap.prefix.rstrip().endswith(tuple(language.openers))):
        return None
    written = _code_before(snap, syntax)
    row = _header_row(written, syntax)
    if row is None:
        return None
    first, header = _line(syntax.source, row), written[_row_start(written, row) :].decode()
    if not language.header_pattern.match(" ".join(header.split())):
        return None
    if not language.closers and is_below and indent_of(snap.line_prefix) <= indent_of(first):
        return None  # the cursor already stands outside the block
    return first if indent_of(line_below(snap)) <= indent_of(first) else None


def line_below(snap: Snapshot) -> str:
    """Return the next line with something on it, "" without one near by."""
    return next((line for line in split_lines(snap.suffix[:NEAR_CHARS])[1:] if line.strip()), "")


def is_closed(snap: Snapshot, syntax: SyntaxTree, indent: int) -> bool:
    """True where what closes a block of this indent stands below the cursor."""
    pattern = syntax.language.closing_pattern
    if pattern is None:
        return False
    below = line_below(snap)
    return bool(pattern.match(below.lstrip()) and indent_of(below) == indent)


def _code_before(snap: Snapshot, syntax: SyntaxTree) -> bytes:
    """Return the text before the cursor up to its last code: `def f():  # why` opens a block too."""
    written = snap.prefix.rstrip().encode()
    leaf = syntax.leaf(max(len(written) - 1, 0))
    while leaf is not None:
        if leaf.type in syntax.language.comments:
            return syntax.source[: leaf.start_byte].rstrip()
        leaf = leaf.parent
    if syntax.root is None:
        above, newline, line = written.rpartition(b"\n")
        comment = scan(line.decode(), syntax.language).comment
        return (above + newline + line.decode()[:comment].encode()).rstrip() if comment >= 0 else written
    return written


def _header_row(written: bytes, syntax: SyntaxTree) -> int | None:
    """Return the row where the header begins that ends here, None where no opener ends one."""
    openers, last_row = syntax.language.openers, written.count(b"\n")
    if not openers:
        return last_row
    leaf = syntax.leaf(max(len(written) - 1, 0))
    if leaf is None:
        return last_row if written.endswith(tuple(map(str.encode, openers))) else None
    return _first_row_of(leaf, syntax) if leaf.type in openers else None


def _first_row_of(opener: tree_sitter.Node, syntax: SyntaxTree) -> int:
    node = opener
    while node.parent is not None and node.parent.start_byte == opener.start_byte:
        node = node.parent  # a brace begins the block that it opens; the header is of what holds the block
    parent = node.parent
    if parent is not None and parent.parent is not None and parent.type != "ERROR":
        return parent.start_point[0]
    closer = opener.prev_sibling
    if closer is not None and closer.type in syntax.language.lists:
        return closer.start_point[0]  # in a broken tree only the brackets tell how far back the header goes
    return opener.start_point[0]


def _row_start(source: bytes, row: int) -> int:
    at = 0
    for _ in range(row):
        at = source.index(b"\n", at) + 1
    return at


def _line(source: bytes, row: int) -> str:
    return source.split(b"\n", row + 1)[row].decode(errors="replace")
