"""Where the cursor stands, as the tree sees it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import tree_sitter

from fim_lsp.domain import Snapshot
from fim_lsp.languages.block import indent_of, is_closed, open_header
from fim_lsp.languages.language import Language
from fim_lsp.languages.tree import SyntaxTree
from fim_lsp.languages.zone import Zone, zone_of


@dataclass(frozen=True)
class Site:
    """The cursor's surroundings. Offsets in code points, indents in columns."""

    syntax: SyntaxTree = field(repr=False)  # what it was read from
    zone: Zone
    opens_block: bool  # the block whose header stands just before the cursor is still empty
    block_indent: int  # the indent of that header, of the cursor's line where there is none
    is_closed: bool  # what closes a block so deep stands below the cursor
    imports: tuple[tuple[int, str], ...]  # (offset, text) of the imports at the top level before the cursor

    @property
    def language(self) -> Language:
        return self.syntax.language

    @property
    def is_parsed(self) -> bool:
        """False without a grammar: lines and brackets are all there is to go by."""
        return self.syntax.root is not None


def describe(snap: Snapshot, syntax: SyntaxTree) -> Site:
    """Read the cursor's site from the tree."""
    zone = zone_of(snap, syntax)
    header = open_header(snap, syntax)
    indent = indent_of(snap.line_prefix if header is None else header)
    return Site(
        syntax=syntax,
        zone=zone,
        opens_block=header is not None,
        block_indent=indent,
        is_closed=is_closed(snap, syntax, indent),
        imports=_imports(syntax, len(snap.prefix.encode())),
    )


def _top(syntax: SyntaxTree) -> Iterator[tree_sitter.Node]:
    """Yield what stands at the top level, also where the parser makes one fault of all of a file."""
    for node in syntax.root.children if syntax.root else ():
        if node.is_error:
            yield from node.children
        else:
            yield node


def _imports(syntax: SyntaxTree, byte: int) -> tuple[tuple[int, str], ...]:
    found = []
    for node in _top(syntax):
        if node.start_byte >= byte:
            break
        if node.type in syntax.language.imports:
            text = (node.text or b"").decode(errors="replace").rstrip("\n")
            if re.match(syntax.language.import_text, text):
                found.append((len(syntax.source[: node.start_byte].decode(errors="replace")), text))
    return tuple(found)
