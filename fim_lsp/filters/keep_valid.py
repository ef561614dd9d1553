"""Show nothing that adds a syntax error: close what the suggestion opened, or cut it back to the longest beginning that
adds none, a line and then a token at a time, else drop it.

    f(║)             +  a, g(b        →  f(├a, g(b)┤)
    x = ║            +  a, b)         →  x = ├a, b┤

Before a word that stands on the line nothing is cut, and nothing ends in a word: `y =` of `y = 2` before `x = 1` would
parse, and mean something else.
What was broken before, and would be with a plain name at the cursor too, may stay as broken as it was: a statement is
typed from left to right. A head at the suggestion's end whose block is yet to come is no error, nor are
brackets and an element that its end leaves open (`x = items.map((y) => {`, `<ul>`), nor what a mere beginning leaves to
be said: `x :=` is half of a statement.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, islice, product

from fim_lsp.domain import Snapshot, Suggestion
from fim_lsp.languages import Language, SyntaxTree
from fim_lsp.languages.scan import CLOSERS, open_brackets, scan

TOKEN = re.compile(r"\w+|\s+|[:=!<>&|+*/%^.-]+|[^\w\s]")  # half of an operator is another one
WORD = re.compile(r"\w")
CLOSING = re.compile(r"[)\]};,]*")  # what may stand behind something that is yet to be closed
MOST_CHARS = 8_000_000  # given to the parser for one suggestion, in all
LINE_WEIGHT, NODE_WEIGHT = 20, 100  # a character of the cursor's line, and a node of the top level, cost as so many
MOST_S = 0.25  # seconds of the parser for one suggestion, after which no further text is begun
TRIES = 24  # beginnings given to the parser, each in well under a millisecond where the file is not huge


def apply(suggestion: Suggestion, snap: Snapshot, syntax: SyntaxTree) -> Suggestion | None:
    """Return the suggestion, its longest beginning that adds no error or missing node to the tree, or None."""
    if syntax.root is None:
        return suggestion
    head, tail = snap.prefix, snap.suffix[suggestion.replaces :]
    line_chars = len(snap.line_prefix) + len(snap.line_suffix)
    once = len(snap.text) + LINE_WEIGHT * line_chars + NODE_WEIGHT * syntax.root.child_count
    allowed, parser = syntax.faults(), _Parser(syntax, MOST_CHARS // (once + 1))
    named = head + syntax.language.expression
    allowed = allowed and min(allowed, _Parser(syntax, parser.left // 2).fewest(named, tail))
    closers = _missing(suggestion.text, syntax.language) if suggestion.is_whole else ""
    closed = [suggestion.text + closers] if closers else []
    covered = snap.line_suffix[: suggestion.replaces]
    line = "" if "\n" in suggestion.text else snap.line_prefix
    stands, is_word = snap.line_suffix[suggestion.replaces :], syntax.language.is_word
    if is_word(stands[:1]) and is_word(suggestion.text[-1:]):
        return None
    shorter = () if is_word(stands.lstrip()[:1]) else islice(_beginnings(suggestion.text), 1, None)
    more = () if suggestion.is_whole else (syntax.language.expression,)
    for number, text in enumerate(chain([suggestion.text], closed, shorter)):
        if number == TRIES or (number and not parser.left):
            break
        if (text == suggestion.text or WORD.search(text)) and parser.fewest(
            head + text, tail, allowed, more, _closings(line, text, syntax.language) if number == 0 else ()
        ) <= allowed:
            return suggestion if text == suggestion.text else _uncovered(suggestion.with_text(text), covered)
    return None


@dataclass
class _Parser:
    """What parses a text changed in one place, and how many times it still may: a huge text is parsed seldom."""

    syntax: SyntaxTree
    left: int
    until: float = field(default_factory=lambda: time.monotonic() + MOST_S)

    def fewest(
        self, head: str, tail: str, enough: int = 0, more: tuple[str, ...] = (), closings: tuple[str, ...] = ()
    ) -> int:
        """Count the faults of `head` and `tail` joined, with what best ends an unfinished head between them.

        `more` may come first, where `head` ends with no word; `closings` are further ends.
        """
        line = head[head.rfind("\n") + 1 :]
        indent = line[: len(line) - len(line.lstrip())]
        language = self.syntax.language
        found: list[int] = []
        standing = tail[: tail.find("\n") + 1 or None].strip()
        endings = (*(language.endings if not standing else ("",)), *(closings if CLOSING.fullmatch(standing) else ()))
        for first, ending in product(("",) if language.is_word(head[-1:]) else ("", *more), endings):
            between = first + ending.format(indent=indent, deeper=f"{indent}    ")
            parsed = SyntaxTree.parse(head + between + tail, language, self.syntax)
            found.append(parsed.faults() if parsed.root else sys.maxsize)
            self.left = max(self.left - 1, 0) if time.monotonic() < self.until else 0
            if found[-1] <= enough or not self.left:
                break
        return min(found)


def _uncovered(suggestion: Suggestion, covered: str) -> Suggestion:
    """Leave what is covered where the text, cut, says just that at its end."""
    if not covered or not suggestion.text.endswith(covered):
        return suggestion
    return replace(suggestion.with_text(suggestion.text.removesuffix(covered)), replaces=0)


def _missing(text: str, language: Language) -> str:
    """Return what closes the brackets and the quote that a text of one line leaves open; "" where more is to come."""
    for mark in language.quotes + language.long_quotes:
        if text.count(3 * mark) % 2:
            return 3 * mark
    if "\n" in text or text.rstrip().endswith((*CLOSERS, ",")):
        return ""
    return scan(text, language).quote + "".join(CLOSERS[one] for one in reversed(open_brackets(text, language)))


def _closings(before: str, text: str, language: Language) -> tuple[str, ...]:
    """Return what may yet follow a text that leaves open what it opened, brackets or an element, with the rest of the
    statement; `before` is what stands before it on its line."""
    brackets = "".join(CLOSERS[one] for one in reversed(open_brackets(text, language))).replace("}", "}}")
    element = re.search(language.element, before + text) if language.element else None
    last = text.rstrip()[-1:]
    if element or (brackets and not (language.is_word(last) or last in (*CLOSERS.values(), *language.quotes))):
        firsts = (f"</{element[1] or ''}>",) if element else ("", language.expression)
        return tuple(first + brackets + ending for first, ending in product(firsts, language.endings))
    return tuple(f"\n{closer}{brackets}" for closer in language.closers if brackets and closer.isalpha())


def _beginnings(text: str) -> Iterator[str]:
    """Yield the text, then without its last lines, then of its first line ever fewer tokens."""
    lines = text.split("\n")
    for count in range(len(lines), 0, -1):
        yield "\n".join(lines[:count])
    ends = [token.end() for token in TOKEN.finditer(lines[0]) if not token.group().isspace()]
    for end in reversed(ends[:-1]):
        yield lines[0][:end]
