"""The part of a document around the cursor that is in another language: a script in HTML, a fence in Markdown."""

from __future__ import annotations

from dataclasses import dataclass, replace

import tree_sitter

from fim_lsp.domain import Snapshot
from fim_lsp.languages.known import named
from fim_lsp.languages.language import Embedded
from fim_lsp.languages.tree import SyntaxTree


@dataclass(frozen=True)
class Part:
    """Such a part."""

    snap: Snapshot  # its text as if it were a document, with the cursor in it
    start: int  # its offset, in code points
    ends: str  # regex of what ends it
    is_empty: bool  # there is nothing in it, and the cursor's line is its own


def part_at(snap: Snapshot, syntax: SyntaxTree) -> Part | None:
    """Return the outermost part that the cursor stands in, None where it stands in the document's own language."""
    found = None
    for node in syntax.path(max(len(snap.prefix.encode()) - 1, 0)) if syntax.language.embedded else ():
        for embedded in syntax.language.embedded:
            if node.type in embedded.nodes:
                found = _part(snap, syntax, node, embedded) or found
    return found


def _part(snap: Snapshot, syntax: SyntaxTree, node: tree_sitter.Node, embedded: Embedded) -> Part | None:
    before = len(syntax.source[: node.start_byte].decode(errors="replace"))
    text = syntax.source[node.start_byte : node.end_byte].decode(errors="replace")
    for found in embedded.compiled.finditer(text):
        start, end = (before + at for at in found.span("body"))
        if start <= snap.offset <= end:
            name = named(found.groupdict().get("language") or embedded.language)
            if name == snap.language:
                return None
            body, line = found.group("body"), snap.line_prefix + snap.line_suffix
            here = replace(snap, language=name, text=body, offset=snap.offset - start)
            return Part(here, start, embedded.ends, not body.strip() and not line.strip())
    return None
