"""An incremental tree per document: the edit is found by comparing texts, so no edit log can go out of step."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

import tree_sitter

from fim_lsp.domain import Snapshot
from fim_lsp.languages.language import Language

WIDE_ERROR = 1000  # nodes; an error that holds more of them says no more of a place


@dataclass(frozen=True)
class SyntaxTree:
    """A parsed text: UTF-8 bytes and their tree, None where the language has no grammar or parsing took too long."""

    source: bytes
    tree: tree_sitter.Tree | None
    language: Language

    @classmethod
    def parse(cls, text: str, language: Language, old: SyntaxTree | None = None) -> SyntaxTree:
        """Parse `text`; with the `old` tree of a similar text only what changed is parsed."""
        source = text.encode()
        if old is None or old.language is not language or old.tree is None:
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

    @property
    def root(self) -> tree_sitter.Node | None:
        return self.tree.root_node if self.tree else None

    @property
    def has_error(self) -> bool:
        return self.root is not None and (self.root.has_error or self._said_errors() > 0)

    def _said_errors(self) -> int:
        query = self.language.error_query
        if self.root is None or query is None:
            return 0
        return sum(map(len, tree_sitter.QueryCursor(query).captures(self.root).values()))

    def leaf(self, byte: int) -> tree_sitter.Node | None:
        """Return the smallest node that holds the byte."""
        return (self.root.descendant_for_byte_range(byte, byte + 1) or self.root) if self.root else None

    def path(self, byte: int) -> list[tree_sitter.Node]:
        """Return the nodes that hold the byte, the smallest first: a node's `parent` is looked for from the root."""
        if self.root is None:
            return []
        nodes, cursor = [self.root], self.root.walk()
        while cursor.goto_first_child_for_byte(byte) is not None:
            node = cursor.node
            if node is None or not node.start_byte <= byte < node.end_byte:
                break
            nodes.append(node)
        return nodes[::-1]

    def holes(self) -> Iterator[tuple[str, int, int]]:
        """Yield (kind, start, end) in bytes of every node worth hiding, without the brackets around it."""
        if self.tree is None:
            return
        cursor, kinds = self.tree.walk(), self.language.holes
        while True:
            node = cursor.node
            if node is not None and (kind := kinds.get(node.type)) and not node.has_error:
                if kind == "function_body":
                    if span := self._body(node):
                        yield kind, *span
                else:
                    inset = 1 if kind == "arguments" else 0
                    yield kind, node.start_byte + inset, node.end_byte - inset
            if cursor.goto_first_child() or cursor.goto_next_sibling():
                continue
            while not cursor.goto_next_sibling():
                if not cursor.goto_parent():
                    return

    def _body(self, function: tree_sitter.Node) -> tuple[int, int] | None:
        """Return a function's body without braces, None without one and where it shares a line with them."""
        body = function.child_by_field_name("body")
        if body is None:
            return None
        start, end = body.start_byte, body.end_byte
        if self.source[start : start + 1] != b"{":
            is_on_its_own = not self.source[self.source.rfind(b"\n", 0, start) + 1 : start].strip()
            return (start, end) if is_on_its_own or not self.language.closers else None
        inner = self.source[start + 1 : end - 1]
        lead = inner[: len(inner) - len(inner.lstrip())]
        return (start + 1 + len(lead), start + 1 + len(inner.rstrip())) if b"\n" in lead else None

    def faults(self) -> int:
        """Count the nodes that the parser could not place or had to invent; an error that holds very many is one."""
        count, nodes = self._said_errors(), [self.root] if self.root else []
        while nodes:
            node = nodes.pop()
            count += node.is_error or node.is_missing
            if node.has_error and not (node.is_error and node.child_count > WIDE_ERROR):
                nodes.extend(children(node))
        return count


class Trees:
    """The last trees of each of the most recently completed documents: its own, and one a language within it."""

    def __init__(self, most: int = 16):
        self.most = most
        self.trees: OrderedDict[str, dict[str, SyntaxTree]] = OrderedDict()

    def tree(self, snap: Snapshot, language: Language) -> SyntaxTree:
        """Return the tree of this snapshot's text, parsed from the document's earlier one in this language."""
        known = self.trees.setdefault(snap.uri, {})
        tree = known[language.name] = SyntaxTree.parse(snap.text, language, known.get(language.name))
        self.trees.move_to_end(snap.uri)
        while len(self.trees) > self.most:
            self.trees.popitem(last=False)
        return tree

    def drop(self, uri: str) -> None:
        """Forget a document."""
        self.trees.pop(uri, None)


def children(node: tree_sitter.Node | None) -> Iterator[tree_sitter.Node]:
    """Yield a node's children one at a time: a list of hundreds of thousands keeps other threads waiting."""
    cursor = node.walk() if node else None
    has_more = cursor is not None and cursor.goto_first_child()
    while cursor is not None and has_more:
        if cursor.node is not None:
            yield cursor.node
        has_more = cursor.goto_next_sibling()


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
