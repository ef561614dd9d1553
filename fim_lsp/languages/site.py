"""Where the cursor stands, as the tree sees it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import tree_sitter

from fim_lsp.domain import Snapshot
from fim_lsp.languages.tree import SyntaxTree

Zone = Literal["code", "string", "comment"]


@dataclass(frozen=True)
class Site:
    """The cursor's surroundings. Offsets in code points, indents in columns."""

    zone: Zone
    opens_block: bool  # the block whose header stands just before the cursor is still empty
    block_indent: int  # the indent of that header, of the cursor's line where there is none
    imports: tuple[tuple[int, str], ...]  # (offset, text) of the imports at the top level before the cursor
    scope_words: tuple[str, ...]  # how a definition's header begins in this language


def describe(snap: Snapshot, syntax: SyntaxTree) -> Site:
    """Read the cursor's site from the tree."""
    byte = len(snap.prefix.encode())
    header = _open_header(snap, syntax)
    return Site(
        zone=_zone(syntax, byte),
        opens_block=header is not None,
        block_indent=indent_of(snap.line_prefix if header is None else header),
        imports=_imports(syntax, byte),
        scope_words=syntax.language.scope_words,
    )


def indent_of(line: str) -> int:
    """Columns of leading white space, a tab counting to the next multiple of eight."""
    blank = line[: len(line) - len(line.lstrip(" \t"))]
    return len(blank.expandtabs(8))


def _zone(syntax: SyntaxTree, byte: int) -> Zone:
    # A cursor at a string's or comment's end is still inside it; one at its beginning is not.
    if byte == 0:
        return "code"
    language, node = syntax.language, syntax.leaf(byte - 1)
    up: tree_sitter.Node | None = node
    while up is not None:
        if up.type in language.comments:
            return "comment"
        if up.type == "interpolation":
            return "code"
        if up.type == "string":
            return "string" if up.start_byte < byte and (byte < up.end_byte or _unclosed(up)) else "code"
        up = up.parent
    return "string" if _open_quote(syntax, byte) else "code"


def _open_quote(syntax: SyntaxTree, byte: int) -> bool:
    """True after a quote that nothing closes: the tree leaves it standing in an error."""
    line_start = syntax.source.rfind(b"\n", 0, byte) + 1
    broken = [syntax.tree.root_node]
    while broken:
        node = broken.pop()
        for child in node.children:
            if child.start_byte >= byte:
                break
            if child.type == "string_start" and node.type == "ERROR":
                is_triple = child.end_byte - child.start_byte >= 3
                if is_triple or child.start_byte >= line_start:
                    return child.end_byte <= byte
            elif child.has_error:
                broken.append(child)
    return False


def _unclosed(string: tree_sitter.Node) -> bool:
    return not string.children or string.children[-1].type != "string_end" or string.children[-1].is_missing


def _open_header(snap: Snapshot, syntax: SyntaxTree) -> str | None:
    """Return the header line of the empty block that begins at the cursor, if one does."""
    language, written = syntax.language, snap.prefix.rstrip()
    if snap.line_suffix.strip() or (snap.line_prefix.strip() and not written.endswith(language.block_opener)):
        return None
    leaf = syntax.leaf(max(len(written.encode()) - 1, 0))
    if leaf.type in language.comments:  # `def f():  # why` opens a block too
        written = written[: written.rfind(language.comment)].rstrip()
        leaf = syntax.leaf(max(len(written.encode()) - 1, 0))
    if leaf.type != language.block_opener:
        return None
    first = _first_line_of(leaf, syntax)
    word = re.match(r"\w*", first.strip())
    if word is None or word.group() not in language.block_keywords:
        return None
    if snap.line_prefix.strip() == "" and indent_of(snap.line_prefix) <= indent_of(first):
        return None  # the cursor already stands outside the block
    below = next((line for line in snap.suffix.splitlines()[1:] if line.strip()), "")
    return first if indent_of(below) <= indent_of(first) else None


def _first_line_of(opener: tree_sitter.Node, syntax: SyntaxTree) -> str:
    """Return the line on which the header that ends in `opener` begins."""
    row = opener.start_point[0]
    parent = opener.parent
    if parent is not None and parent.type not in ("ERROR", "module"):
        row = parent.start_point[0]
    elif (closer := opener.prev_sibling) is not None and closer.type in ("parameters", "argument_list"):
        row = closer.start_point[0]  # in a broken tree only the brackets tell how far back the header goes
    return syntax.source.split(b"\n", row + 1)[row].decode(errors="replace")


def _imports(syntax: SyntaxTree, byte: int) -> tuple[tuple[int, str], ...]:
    found = []
    for node in syntax.tree.root_node.children:
        if node.start_byte >= byte:
            break
        if node.type in syntax.language.imports:
            at = len(syntax.source[: node.start_byte].decode(errors="replace"))
            found.append((at, (node.text or b"").decode(errors="replace")))
    return tuple(found)
