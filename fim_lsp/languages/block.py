"""The empty block at the cursor: the header it has, and whether something closes it already."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import dropwhile

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
    start = _header_start(written, syntax)
    if start is None:
        return None
    first, header = _line(syntax.source, start), written[start:].decode()
    if not language.header_pattern.match(" ".join(header.split())):
        return None
    if not language.closers and is_below and indent_of(snap.line_prefix) <= indent_of(first):
        return None  # the cursor already stands outside the block
    return first if indent_of(next(lines_below(snap), "")) <= indent_of(first) else None


def lines_below(snap: Snapshot) -> Iterator[str]:
    """Yield the next lines with something on them, of those near by."""
    start = snap.offset + len(snap.line_suffix)
    return (line for line in split_lines(snap.text[start : start + NEAR_CHARS])[1:] if line.strip())


def is_closed(snap: Snapshot, syntax: SyntaxTree, indent: int) -> bool:
    """True where what closes a block of this indent stands below the cursor."""
    pattern = syntax.language.closing_pattern
    if pattern is None:
        return False
    below = next(lines_below(snap), "")
    return bool(pattern.match(below.lstrip()) and indent_of(below) == indent)


def _code_before(snap: Snapshot, syntax: SyntaxTree) -> bytes:
    """Return the text before the cursor up to its last code: `def f():  # why` opens a block too."""
    written = snap.prefix.rstrip().encode()
    for node in syntax.path(max(len(written) - 1, 0)):
        if node.type in syntax.language.comments:
            return syntax.source[: node.start_byte].rstrip()
    if syntax.root is None:
        above, newline, line = written.rpartition(b"\n")
        comment = scan(line.decode(), syntax.language).comment
        return (above + newline + line.decode()[:comment].encode()).rstrip() if comment >= 0 else written
    return written


def _header_start(written: bytes, syntax: SyntaxTree) -> int | None:
    """Return where the line begins that the header begins in that ends here, None where no opener ends one."""
    openers, at = syntax.language.openers, max(len(written) - 1, 0)
    if openers and syntax.root is None and not written.endswith(tuple(map(str.encode, openers))):
        return None
    if openers and syntax.root is not None:
        leaf, *above = syntax.path(at)
        if leaf.type not in openers:
            return None
        at = _first_node_of(leaf, above, syntax).start_byte
    return written.rfind(b"\n", 0, at) + 1


def _first_node_of(opener: tree_sitter.Node, above: list[tree_sitter.Node], syntax: SyntaxTree) -> tree_sitter.Node:
    # a brace begins the block that it opens; the header is of what holds the block
    further = list(dropwhile(lambda node: node.start_byte == opener.start_byte, above))
    if len(further) > 1 and further[0].type != "ERROR":
        return further[0]
    closer = opener.prev_sibling
    if closer is not None and closer.type in syntax.language.lists:
        return closer  # in a broken tree only the brackets tell how far back the header goes
    return opener


def _line(source: bytes, start: int) -> str:
    end = source.find(b"\n", start)
    return source[start : end if end >= 0 else len(source)].decode(errors="replace")
