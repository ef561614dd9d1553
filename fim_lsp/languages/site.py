"""Where the cursor stands, as the tree sees it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

import tree_sitter

from fim_lsp.domain import Snapshot
from fim_lsp.languages.block import indent_of, is_closed, lines_below, open_header
from fim_lsp.languages.indent import indent_unit
from fim_lsp.languages.known import get
from fim_lsp.languages.language import Language
from fim_lsp.languages.part import part_at
from fim_lsp.languages.tree import SyntaxTree, Trees, children
from fim_lsp.languages.zone import Zone, zone_of

TOP_NODES, IMPORTS_MOST = 5000, 500  # looked at from the top of a file, and kept of them


@dataclass(frozen=True)
class Site:
    """The cursor's surroundings. Offsets in code points, indents in columns."""

    snap: Snapshot = field(repr=False)  # what it was read from: the document, or the part of it in another language
    syntax: SyntaxTree = field(repr=False)  # of that
    zone: Zone
    opens_block: bool  # the block whose header stands just before the cursor is still empty
    block_indent: int  # the indent of that header, of the cursor's line where there is none
    is_closed: bool  # what closes a block so deep stands below the cursor
    line_below: str  # the next one with something on it, bare; "" without one near by
    indent: str  # what one level of indentation is in this file, "" where it shows none
    imports: tuple[tuple[int, str], ...]  # (offset in the document, text) of those at the top level before the cursor
    within: str = ""  # the document's language, where a part of it has another
    ends: str = ""  # regex of what ends that part

    @property
    def language(self) -> Language:
        return self.syntax.language

    @property
    def is_parsed(self) -> bool:
        """False without a grammar, or time: lines and brackets are all there is to go by."""
        return self.syntax.root is not None


def locate(snap: Snapshot, trees: Trees) -> Site:
    """Read the cursor's site, in the language of the innermost part that it stands in."""
    here, syntax, start, innermost = snap, trees.tree(snap, get(snap.language)), 0, None
    while part := part_at(here, syntax):
        here, start, innermost = part.snap, start + part.start, part
        syntax = trees.tree(here, get(here.language))
    site = describe(here, syntax)
    if innermost is None:
        return site
    site = replace(site, within=snap.language, ends=innermost.ends)
    site = replace(site, imports=tuple((start + at, text) for at, text in site.imports))
    return replace(site, opens_block=True, block_indent=-1) if innermost.is_empty else site


def describe(snap: Snapshot, syntax: SyntaxTree) -> Site:
    """Read the cursor's site from the tree."""
    zone = zone_of(snap, syntax)
    header = open_header(snap, syntax)
    indent = indent_of(snap.line_prefix if header is None else header)
    return Site(
        snap=snap,
        syntax=syntax,
        zone=zone,
        opens_block=header is not None,
        block_indent=indent,
        is_closed=is_closed(snap, syntax, indent),
        line_below=next(lines_below(snap), "").strip(),
        indent=indent_unit(snap),
        imports=_imports(syntax, len(snap.prefix.encode())),
    )


def _imports(syntax: SyntaxTree, byte: int) -> tuple[tuple[int, str], ...]:
    found: list[tuple[int, str]] = []
    at = chars = 0
    for node in islice(_top_level(syntax), TOP_NODES):
        if node.start_byte >= byte or len(found) == IMPORTS_MOST:
            break
        if node.type in syntax.language.imports:
            text = syntax.source[node.start_byte : node.end_byte].decode(errors="replace").rstrip("\n")
            if re.match(syntax.language.import_text, text):
                chars += len(syntax.source[at : node.start_byte].decode(errors="replace"))
                at = node.start_byte
                found.append((chars, text))
    return tuple(found)


def _top_level(syntax: SyntaxTree) -> Iterator[tree_sitter.Node]:
    """Yield what stands at the top level, also where the parser makes one fault of all of a file."""
    for node in children(syntax.root):
        if node.is_error:
            yield from children(node)
        else:
            yield node
