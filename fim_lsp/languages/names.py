"""What the names in a text are to it.

for item in self.items(key=known):     item given, self used, items a member, key a member, known used
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

import tree_sitter

from fim_lsp.languages.language import Language
from fim_lsp.languages.tree import SyntaxTree

Role = Literal["used", "given", "member", "unknown"]  # unknown: the parser did not understand what is around it
MOST_PLACES = 64  # of one word that are looked at; a text that has it more often knows it

OF_WORD = re.compile(rb"[\w$]")


class Name(NamedTuple):
    """One occurrence of a name; bytes."""

    text: str
    role: Role
    end: int


def names(syntax: SyntaxTree, start: int, end: int) -> Iterator[Name]:
    """Yield the names that have a byte of [start, end)."""
    if syntax.root is not None:
        yield from _below(syntax.root.walk(), syntax.language, start, end, "unknown" if syntax.root.is_error else None)


def is_named(syntax: SyntaxTree, word: str) -> bool:
    """True where the text has a word as the name of something, not just in a string or behind a dot."""
    wanted = word.encode()
    for number, at in enumerate(_places(syntax.source, wanted)):
        if number == MOST_PLACES:
            return True
        if any(name.text == word and name.role != "member" for name in names(syntax, at, at + len(wanted))):
            return True
    return False


def _places(source: bytes, wanted: bytes) -> Iterator[int]:
    """Yield where a word begins."""
    at = source.find(wanted)
    while at >= 0:
        end = at + len(wanted)
        if not OF_WORD.match(source[at - 1 : at]) and not OF_WORD.match(source[end : end + 1]):
            yield at
        at = source.find(wanted, end)


def _below(
    cursor: tree_sitter.TreeCursor, language: Language, start: int, end: int, role: Role | None
) -> Iterator[Name]:
    """Yield the names within the cursor's node; `role` is what all of them are."""
    parent = cursor.node
    if parent is None or cursor.goto_first_child_for_byte(start) is None:
        return
    has_more = True
    while has_more and (node := cursor.node) is not None and node.start_byte < end:
        if node.end_byte > start and node.is_named:
            edge = f"{parent.type}.{cursor.field_name or ''}"
            inner = role or _role(node, language)
            if node.type in language.names:
                text = (node.text or b"").decode(errors="replace")
                yield Name(text, inner or _place(edge, language), node.end_byte)
            else:
                yield from _below(cursor, language, start, end, inner)
        has_more = cursor.goto_next_sibling()
    cursor.goto_parent()


def _role(node: tree_sitter.Node, language: Language) -> Role | None:
    """Return what all names within a node are, None where each is what its own place says."""
    if node.is_error:
        return "unknown"
    return "given" if node.type in language.givers else None


def _place(edge: str, language: Language) -> Role:
    if edge in language.members:
        return "member"
    return "given" if edge in language.givers else "used"
