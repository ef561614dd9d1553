"""Keep brackets in balance with what already stands: no closer that nothing opened."""

from __future__ import annotations

from fim_lsp.domain import Snapshot, Suggestion

PAIRS = {")": "(", "]": "[", "}": "{"}
LOOK_BACK_CHARS = 4000


def apply(suggestion: Suggestion, snap: Snapshot) -> Suggestion | None:
    """Cut at the first closer that closes no bracket, neither the text's own nor one open before the cursor."""
    open_before = open_brackets(snap.prefix[-LOOK_BACK_CHARS:]) if len(snap.prefix) <= LOOK_BACK_CHARS else None
    if open_before is None:
        open_before = open_brackets(snap.line_prefix) or open_brackets(snap.prefix[-LOOK_BACK_CHARS:])
    standing = _closers(snap.line_suffix[suggestion.replaces :])
    available = open_before[: len(open_before) - len(standing)] if standing else open_before
    cut = _first_stray(suggestion.text, available)
    return suggestion if cut is None else suggestion.with_text(suggestion.text[:cut])


def _scan(text: str) -> list[tuple[int, str]]:
    """List (offset, bracket) outside strings and comments, line by line so that one odd quote harms one line."""
    found, at = [], 0
    for line in text.split("\n"):
        quote = ""
        for n, char in enumerate(line):
            if quote:
                quote = "" if char == quote and line[n - 1] != "\\" else quote
            elif char in "\"'":
                quote = char
            elif char == "#":
                break
            elif char in "()[]{}":
                found.append((at + n, char))
        at += len(line) + 1
    return found


def open_brackets(text: str) -> str:
    """Return the brackets left open, outermost first."""
    stack: list[str] = []
    for _, char in _scan(text):
        if char in PAIRS.values():
            stack.append(char)
        elif stack and stack[-1] == PAIRS[char]:
            stack.pop()
    return "".join(stack)


def _closers(text: str) -> str:
    """Return the closers in `text` that close something before it."""
    stack: list[str] = []
    stray = ""
    for _, char in _scan(text):
        if char in PAIRS.values():
            stack.append(char)
        elif stack and stack[-1] == PAIRS[char]:
            stack.pop()
        elif char in PAIRS:
            stray += char
    return stray


def _first_stray(text: str, available: str) -> int | None:
    stack = list(available)
    for at, char in _scan(text):
        if char in PAIRS.values():
            stack.append(char)
        elif stack and stack[-1] == PAIRS[char]:
            stack.pop()
        else:
            return at
    return None
