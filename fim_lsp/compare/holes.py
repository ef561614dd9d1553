"""Cut holes into a text: for training, evaluation and benchmarks alike.

def area(w, h):            identifier     h
    return w * h           arguments      w, h
                           expression     w * h
                           rest_of_line   * h         whole_line   [    ]return w * h
                           block, function_body, characters, empty
"""

from __future__ import annotations

import random
import re
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from fim_lsp.languages import Language, SyntaxTree

KINDS = (
    "identifier",
    "arguments",
    "expression",
    "rest_of_line",
    "whole_line",
    "block",
    "function_body",
    "characters",
    "empty",
)
BLOCK_LINES = (2, 6)
TRIES = 40
OF_TREE = {"identifier", "arguments", "expression", "function_body"}
INDENTATION = re.compile(r"[ \t]*")


@dataclass(frozen=True, order=True)
class Span:
    """What is hidden: text[start:end], in code points."""

    start: int
    end: int
    kind: str = ""


class Cutter:
    """Holes of one text; the same random numbers cut the same holes."""

    def __init__(self, text: str, language: Language):
        self.text, self.language = text, language

    def spans(
        self,
        rng: random.Random,
        weights: Mapping[str, float],
        count: int = 1,
        window: tuple[int, int] | None = None,
        most_chars: int = 160,
    ) -> list[Span]:
        """Return up to `count` spans in order, apart from each other, within `window`; kinds drawn by weight."""
        low, high = window or (0, len(self.text))
        kinds, shares = list(weights), list(weights.values())
        found: list[Span] = []
        for _ in range(TRIES):
            if len(found) == count:
                break
            span = self._draw(rng, rng.choices(kinds, shares)[0], low, high, most_chars)
            if span and not any(span.start <= other.end + 1 and other.start <= span.end + 1 for other in found):
                found.append(span)
        return sorted(found)

    def around(self, rng: random.Random, kind: str, inner: Span, most_chars: int) -> Span | None:
        """Return a span of one line that holds another one, None where the place has none of that kind."""
        start, end = self._line_start(inner.start), self._line_end(inner.end)
        if kind in OF_TREE:
            some = [one for one in self._nodes[kind] if one.start <= inner.start and inner.end <= one.end]
            span = rng.choice(some) if some else None
        elif kind == "rest_of_line":
            code = self._code_start(start)
            span = Span(rng.randint(code + 1, inner.start), end, kind) if code < inner.start else None
        else:
            span = Span(self._code_start(start), end, kind)
        is_short = span is not None and start <= span.start and span.end <= end and span.end - span.start <= most_chars
        return span if is_short else None

    def _draw(self, rng: random.Random, kind: str, low: int, high: int, most_chars: int) -> Span | None:
        """Return one span of a kind, None when the place drawn has none."""
        if high - low < 2:
            return None
        at = rng.randrange(low, high)
        if kind in OF_TREE:
            span = self._of_tree(rng, kind, low, high, most_chars)
        elif kind == "characters":
            span = Span(at, at + rng.randint(1, max(1, min(rng.choice((8, 24, most_chars)), most_chars))), kind)
        elif kind == "empty":
            span = Span(at, at, kind)
        else:
            span = self._lines(rng, kind, at)
        if span is None or span.start < low or span.end > high or span.end - span.start > most_chars:
            return None
        return span if kind == "empty" or self.text[span.start : span.end].strip() else None

    def _of_tree(self, rng: random.Random, kind: str, low: int, high: int, most_chars: int) -> Span | None:
        spans = self._nodes[kind]
        first, last = bisect_left(spans, Span(low, 0)), bisect_left(spans, Span(high, 0))
        for _ in range(TRIES if last > first else 0):
            span = spans[rng.randrange(first, last)]
            if span.end <= high and span.end - span.start <= most_chars:
                if kind == "function_body" and rng.random() < 0.5:
                    return Span(self._code_start(span.start), span.end, kind)
                return span
        return None

    def _lines(self, rng: random.Random, kind: str, at: int) -> Span | None:
        """Cut at a line: its rest from `at` on, all of it, or a few; half of the time its indentation stays."""
        if kind == "rest_of_line":
            return Span(at, self._line_end(at), kind) if self.text[self._line_start(at) : at].strip() else None
        start, end = self._line_start(at), self._line_end(at)
        if kind == "block":
            for _ in range(rng.randint(*BLOCK_LINES) - 1):
                end = self._line_end(min(end + 1, len(self.text)))
            if self.text[start:end].strip().count("\n") == 0:
                return None
        return Span(self._code_start(start) if rng.random() < 0.5 else start, end, kind)

    def _line_start(self, at: int) -> int:
        return self.text.rfind("\n", 0, at) + 1

    def _line_end(self, at: int) -> int:
        end = self.text.find("\n", at)
        return len(self.text) if end < 0 else end

    def _code_start(self, at: int) -> int:
        """Return where the code of the line that begins at `at` begins."""
        match = INDENTATION.match(self.text, at)
        return match.end() if match else at

    @cached_property
    def _nodes(self) -> dict[str, list[Span]]:
        """Spans of the tree's nodes by kind, in order."""
        found: dict[str, list[Span]] = {kind: [] for kind in OF_TREE}
        tree = SyntaxTree.parse(self.text, self.language)
        offset = _code_points(tree.source)
        for kind, start, end in tree.holes():
            first, last = offset(start), offset(end)
            if kind == "function_body":  # the tree leaves out the first line's indentation
                first = self._line_start(first)
            if self.text[first:last].strip():
                found[kind].append(Span(first, last, kind))
        return {kind: sorted(set(spans)) for kind, spans in found.items()}


def pieces(text: str, spans: Sequence[Span], window: tuple[int, int] | None = None) -> list[str]:
    """Return context, fill, context, ... of a text whose spans are hidden."""
    low, high = window or (0, len(text))
    bounds = [low, *(at for span in spans for at in (span.start, span.end)), high]
    return [text[a:b] for a, b in pairwise(bounds)]


def _code_points(source: bytes) -> Callable[[int], int]:
    """Return a function from byte to code-point offsets."""
    if source.isascii():
        return lambda at: at
    starts = [at for at, byte in enumerate(source) if byte & 0xC0 != 0x80]
    return lambda at: bisect_left(starts, at)
