"""An incremental tree per document: the edit is found by comparing texts, so no edit log can go out of step."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

import tree_sitter

from fim_lsp.domain import Snapshot
from fim_lsp.languages.language import Language


@dataclass(frozen=True)
class SyntaxTree:
    """A parsed text: UTF-8 bytes and their tree."""

    source: bytes
    tree: tree_sitter.Tree
    language: Language

    @classmethod
    def parse(cls, text: str, language: Language, old: SyntaxTree | None = None) -> SyntaxTree:
        """Parse `text`; with the `old` tree of a similar text only what changed is parsed."""
        source = text.encode()
        if old is None or old.language is not language:
            return cls(source, language.parse(source), language)
        if source == old.source:
            return old
        start = _common_prefix(old.source, source)
        tail = _common_suffix(old.source, source, min(len(old.source), len(source)) - start)
        old_end, new_end = len(old.source) - tail, len(source) - tail
        tree = old.tree.copy()
        tree.edit(
            start_byte=start,
            old_end_byte=old_end,
            new_end_byte=new_end,
            start_point=_point(source, start),
            old_end_point=_point(old.source, old_end),
            new_end_point=_point(source, new_end),
        )
        return cls(source, language.parse(source, tree), language)

    def leaf(self, byte: int) -> tree_sitter.Node:
        """Return the smallest node that holds the byte."""
        root = self.tree.root_node
        return root.descendant_for_byte_range(byte, byte + 1) or root

    def holes(self) -> Iterator[tuple[str, int, int]]:
        """Yield (kind, start, end) in bytes of every node worth hiding: a call's arguments without their brackets."""
        cursor, kinds = self.tree.walk(), self.language.holes
        while True:
            node = cursor.node
            if node is not None and (kind := kinds.get(node.type)) and not node.has_error:
                body = node.child_by_field_name("body") if kind == "function_body" else node
                inset = 1 if kind == "arguments" else 0
                if body is not None:
                    yield kind, body.start_byte + inset, body.end_byte - inset
            if cursor.goto_first_child() or cursor.goto_next_sibling():
                continue
            while not cursor.goto_next_sibling():
                if not cursor.goto_parent():
                    return

    def faults(self) -> int:
        """Count the nodes that the parser could not place or had to invent."""
        count, nodes = 0, [self.tree.root_node]
        while nodes:
            node = nodes.pop()
            count += node.is_error or node.is_missing
            if node.has_error:
                nodes.extend(node.children)
        return count


class Trees:
    """The last tree of each of the most recently completed documents."""

    def __init__(self, most: int = 16):
        self.most = most
        self.trees: OrderedDict[str, SyntaxTree] = OrderedDict()

    def tree(self, snap: Snapshot, language: Language) -> SyntaxTree:
        """Return the tree of this snapshot's text, parsed from the document's earlier one."""
        tree = SyntaxTree.parse(snap.text, language, self.trees.get(snap.uri))
        self.trees[snap.uri] = tree
        self.trees.move_to_end(snap.uri)
        while len(self.trees) > self.most:
            self.trees.popitem(last=False)
        return tree


def _common_prefix(a: bytes, b: bytes) -> int:
    """Length of the common start, at a character's beginning; bisection over memcmp."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    while low and (_inside(a, low) or _inside(b, low)):
        low -= 1
    return low


def _common_suffix(a: bytes, b: bytes, limit: int) -> int:
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        if a[len(a) - middle : len(a) - low] == b[len(b) - middle : len(b) - low]:
            low = middle
        else:
            high = middle - 1
    while low and (_inside(a, len(a) - low) or _inside(b, len(b) - low)):
        low -= 1
    return low


def _inside(source: bytes, at: int) -> bool:
    """True between the bytes of one character."""
    return at < len(source) and source[at] & 0xC0 == 0x80


def _point(source: bytes, at: int) -> tuple[int, int]:
    return source.count(b"\n", 0, at), at - (source.rfind(b"\n", 0, at) + 1)
