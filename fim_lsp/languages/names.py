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
    """Yield the names that have a byte of [start, end), however deep they lie."""
    if syntax.root is None:
        return
    language, cursor = syntax.language, syntax.root.walk()
    node, edge = syntax.root, ""
    around: list[tuple[str, Role | None]] = [("", None)]  # types of the nodes around, and what all names in each are
    while node.start_byte < end:
        role = around[-1][1] or _role(node, language)
        is_name = node.type in language.names
        if is_name:
            text = syntax.source[node.start_byte : node.end_byte].decode(errors="replace")
            yield Name(text, role or _place(edge, language), node.end_byte)
        if node.is_named and not is_name and cursor.goto_first_child_for_byte(start) is not None:
            around.append((node.type, role))
        elif not _leave(cursor, around):
            return
        node, edge = cursor.node or node, f"{around[-1][0]}.{cursor.field_name or ''}"


def _leave(cursor: tree_sitter.TreeCursor, around: list[tuple[str, Role | None]]) -> bool:
    """Go to what follows the cursor's node; False at the end of all."""
    while not cursor.goto_next_sibling():
        if not cursor.goto_parent():
            return False
        around.pop()
    return True


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


def _role(node: tree_sitter.Node, language: Language) -> Role | None:
    """Return what all names within a node are, None where each is what its own place says."""
    if node.is_error:
        return "unknown"
    return "given" if node.type in language.givers else None


def _place(edge: str, language: Language) -> Role:
    if edge in language.members:
        return "member"
    return "given" if edge in language.givers else "used"
