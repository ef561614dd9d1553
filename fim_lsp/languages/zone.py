"""Whether the cursor stands in code, in a string or in a comment."""

from __future__ import annotations

import re
from typing import Literal

import tree_sitter

from fim_lsp.domain import Snapshot
from fim_lsp.languages.scan import scan
from fim_lsp.languages.tree import SyntaxTree, children

LINE_CHARS = 20_000  # of a line before the cursor, looked at where no tree tells more
Zone = Literal["code", "string", "comment"]


def zone_of(snap: Snapshot, syntax: SyntaxTree) -> Zone:
    """Ask the tree; where it is broken, or there is none, the line up to the cursor.

    A cursor at a string's or comment's end is still inside it; one at its beginning is not.
    """
    language, byte = syntax.language, len(snap.prefix.encode())
    if byte == 0:
        return "code"
    for up in syntax.path(byte - 1):
        if up.type in language.comments and _is_within_comment(up, byte, syntax):
            return "comment"
        if up.type in language.interpolations:
            return "code"
        if up.type in language.strings and _is_string(up, syntax):
            return "string" if up.start_byte < byte and (byte < up.end_byte or _is_open(up, syntax)) else "code"
    if language.string_starts and syntax.root is not None:
        return "string" if syntax.has_error and _has_open_start(syntax, syntax.root, byte) else "code"
    return _zone_of_line(snap, syntax) if syntax.has_error or syntax.root is None else "code"


def _zone_of_line(snap: Snapshot, syntax: SyntaxTree) -> Zone:
    line = scan(snap.line_prefix[-LINE_CHARS:], syntax.language)
    if line.comment >= 0 or _is_in_open_comment(snap, syntax):
        return "comment"
    return "string" if line.quote else "code"


def _is_in_open_comment(snap: Snapshot, syntax: SyntaxTree) -> bool:
    """True after a comment's beginning that nothing ends: the tree has no node for it."""
    if syntax.language.block_comment is None:
        return False
    begin, end = syntax.language.block_comment
    at = snap.prefix.rfind(begin)
    if at < 0 or snap.prefix.find(end, at + len(begin)) >= 0:
        return False
    return not scan(snap.prefix[snap.prefix.rfind("\n", 0, at) + 1 : at], syntax.language).quote


def _is_within_comment(comment: tree_sitter.Node, byte: int, syntax: SyntaxTree) -> bool:
    text = syntax.source[comment.start_byte : comment.end_byte].decode(errors="replace")
    block = syntax.language.block_comment
    if block and text.startswith(block[0]) and text.endswith(block[1]):
        return byte < comment.end_byte
    is_line = text.startswith(syntax.language.line_comments)
    return not (is_line and syntax.source[byte - 1 : byte] == b"\n")  # a grammar may count the line's end as its own


def _is_string(node: tree_sitter.Node, syntax: SyntaxTree) -> bool:
    text = syntax.source[node.start_byte : node.end_byte].decode(errors="replace")
    return bool(re.match(syntax.language.string_text, text))


def _is_open(string: tree_sitter.Node, syntax: SyntaxTree) -> bool:
    if string.children:
        last = string.children[-1]
        return len(string.children) < 2 or last.type not in syntax.language.string_ends or last.is_missing
    text = syntax.source[string.start_byte : string.end_byte]
    return len(text) < 2 or text[-1:].decode(errors="replace") not in syntax.language.string_ends


def _has_open_start(syntax: SyntaxTree, root: tree_sitter.Node, byte: int) -> bool:
    """True after a quote that nothing closes: the tree leaves it standing in an error."""
    line_start = syntax.source.rfind(b"\n", 0, byte) + 1
    broken = [root]
    while broken:
        node = broken.pop()
        for child in children(node):
            if child.start_byte >= byte:
                break
            if child.type in syntax.language.string_starts and node.type == "ERROR":
                is_long = child.end_byte - child.start_byte >= 3
                if is_long or child.start_byte >= line_start:
                    return child.end_byte <= byte
            elif child.has_error:
                broken.append(child)
    return False
