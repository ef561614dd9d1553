"""What a file defines: names, the text that heads each, and the first line said about it.

class Store(Base):           Store   class Store(Base):
    root: Path               root    root: Path              in Store
    def load(self, name):    load    def load(self, name):   in Store
        path = ...                   what a body holds is its own affair
"""

from __future__ import annotations

import re
from typing import NamedTuple

import tree_sitter

from fim_lsp.languages.language import Language

MOST = 500  # definitions of one file
MOST_CHARS = 160  # of a signature, and of what is said about it
NAME_FIELDS = ("name", "property", "left", "declarator")  # in which grammars put a name, or a node that has one
MARKS = "/*#-!< \t"  # around what a comment says
TYPES = ("class", "module")  # whose heads are of one line in most languages
BODY = re.compile(r"\s\{|\n")  # where the head of a definition ends that has no body of its own in the tree


class Definition(NamedTuple):
    """A name that other files may use."""

    name: str
    owner: str  # the class, type or namespace around it, "" for none
    line: int  # 0-based
    signature: str
    said: str  # first line of its docstring or of the comment above it
    is_type: bool  # it may own others
    has_body: bool  # which the signature leaves out


def definitions(source: bytes, language: Language) -> list[Definition]:
    """Return what a UTF-8 source defines outside of bodies, in order; nothing without a grammar."""
    if not language.definitions or (tree := language.parse(source)) is None:
        return []
    found: list[Definition] = []
    owners: list[tuple[int, str]] = []  # (end, name) of the types around
    body_end = 0
    for node in _nodes(tree.root_node, language):
        if node.start_byte < body_end or len(found) == MOST:
            continue
        while owners and node.start_byte >= owners[-1][0]:
            owners.pop()
        is_type, name = node.type in language.owners, _name(node, language)
        if is_type and node.type.endswith("_specifier") and node.child_by_field_name("body") is None:
            continue  # a type that is only named
        if is_type and name:
            owner = ".".join(owner for _, owner in owners[-1:])
            owners.append((node.end_byte, name))
        else:
            owner = _receiver(node) or ".".join(owner for _, owner in owners[-1:])
            body_end = node.end_byte
        if name:
            row, has_body = node.start_point.row, node.child_by_field_name("body") is not None
            signature, said = _signature(node, source), _said(node, language)
            found.append(Definition(name, owner, row, signature, said, is_type, has_body))
    return found


def _nodes(root: tree_sitter.Node, language: Language) -> list[tree_sitter.Node]:
    query = language.definition_query
    found = tree_sitter.QueryCursor(query).captures(root).get("it", []) if query else []
    return sorted(found, key=lambda node: (node.start_byte, -node.end_byte))


def _name(node: tree_sitter.Node, language: Language) -> str:
    """Return the last word of what a definition names, "" where it names no one thing."""
    at: tree_sitter.Node | None = node
    if node.type in language.owners and node.child_by_field_name("name") is None:
        at = node.child_by_field_name("type") or node.child_by_field_name("declarator")
    while at is not None:
        inner = next((child for field in NAME_FIELDS if (child := at.child_by_field_name(field))), None)
        if inner is None and at == node and at.named_child_count:
            inner = at.named_children[-1]
        if inner is None:
            break
        at = inner
    text = (at.text or b"").decode(errors="replace") if at else ""
    if at == node.child_by_field_name("left") and "." in text:
        return ""  # a change to something that is defined elsewhere
    found = re.fullmatch(r"(?:[\w$]+[.:]+)*\$?([\w$]+[?!]?)(?:<.*>)?", text.lstrip("*&"))
    return found.group(1) if found else ""


def _receiver(node: tree_sitter.Node) -> str:
    """Return the type that a method names as its own, outside of it."""
    receiver = node.child_by_field_name("receiver")
    words = re.findall(rb"\w+", (receiver.text or b"") if receiver else b"")
    return words[-1].decode() if words else ""


def _signature(node: tree_sitter.Node, source: bytes) -> str:
    body = node.child_by_field_name("body")
    text = source[node.start_byte : body.start_byte if body else node.end_byte].decode(errors="replace")
    if (body is None or node.type.startswith(TYPES)) and (found := BODY.search(text)):
        text = text[: found.start()]
    return re.sub(r"\s+", " ", text).strip(" ;").removesuffix(" =")[:MOST_CHARS]


def _said(node: tree_sitter.Node, language: Language) -> str:
    body = node.child_by_field_name("body")
    first = body.named_children[0] if body and body.named_child_count else None
    if first is not None and first.named_child_count and first.named_children[0].type in language.strings:
        return _first_line((first.text or b"").decode(errors="replace").lstrip("rbuRBU").strip("\"'"))
    above, line = (node.parent if _is_wrapped(node) else node), node.start_point.row
    lines = []
    at = above.prev_sibling if above else None
    while at is not None and at.type in language.comments and at.end_point.row >= line - 1:
        if at.prev_sibling and at.prev_sibling.end_point.row == at.start_point.row:
            break  # it speaks of what stands before it on its line
        lines.append((at.text or b"").decode(errors="replace"))
        line, at = at.start_point.row, at.prev_sibling
    return _first_line("\n".join(reversed(lines)))


def _is_wrapped(node: tree_sitter.Node) -> bool:
    """True for a definition that an export, a decorator or a template stands around."""
    return (
        node.parent is not None
        and node.parent.parent is not None
        and node.prev_sibling is not None
        and (node.prev_sibling.prev_sibling is None and node.next_sibling is None)
    )


def _first_line(text: str) -> str:
    lines = (line.strip(MARKS) for line in text.split("\n"))
    return next((line for line in lines if line), "")[:MOST_CHARS]
