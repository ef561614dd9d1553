"""Rows as the product renders its prompts: [snippets] path, suffix, prefix, and a hole to be said.

Each epoch goes over all text once, in an order of its own: a place every STRIDE characters, and a hole near it. Half of
the holes are cut as people type; the others are long, for a repository is small, and only what is said is learnt.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate, count

from fim_lsp.backends.reader import SNIPPET_TOKENS, short
from fim_lsp.checkpoints.formats import Format
from fim_lsp.checkpoints.tokenizer import Tokenizer
from fim_lsp.compare.holes import Cutter, Span
from fim_lsp.context.index import Workspace
from fim_lsp.context.snippets import Snippets
from fim_lsp.domain import Snapshot
from fim_lsp.lab.adapt.files import SourceText
from fim_lsp.lab.train.batch import CONTEXT, Example, RowSegments
from fim_lsp.lab.train.gpt import GptObjective
from fim_lsp.languages import Trees, get, language_of, locate
from fim_lsp.privacy.secrets import MASK

KINDS = {
    "rest_of_line": 0.34, "whole_line": 0.2, "block": 0.14, "function_body": 0.08, "arguments": 0.08,
    "expression": 0.07, "identifier": 0.05, "empty": 0.04,
}  # fmt: skip
STRIDE = 900  # characters
MOST_CHARS, MOST_MIDDLE = 400, 300  # characters of a short hole, tokens of any
LONG, LONG_CHARS = 0.5, (200, STRIDE)  # share of the rows with a hole of many lines, and how long it is
SUFFIXES = (48, 96, 128, 192)  # tokens
WITH_SNIPPETS, MOST_SNIPPET = 0.3, min(SNIPPET_TOKENS, 160)
CHARS = 6  # of a token, at the least cut before encoding
LINE_CHARS = 200  # within which a line's end is looked for


class AdaptRows:
    """Row n of a repository is always the same; the first `checks` rows come from the files kept apart."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        format: Format,
        learnt: Sequence[SourceText],
        checked: Sequence[SourceText],
        workspace: Workspace,
        length: int,
        checks: int,
        seed: int = 1,
    ):
        self.tokenizer, self.format, self.workspace = tokenizer, format, workspace
        self.length, self.checks, self.seed = length, checks, seed
        self.learnt, self.checked = Places(learnt), Places(checked)

    def rows(self, start: int) -> Iterator[RowSegments]:
        """Yield (what is read, what is said) from row `start` on, without end."""
        for number in count(start):
            places, at = (self.checked, number) if number < self.checks else (self.learnt, number - self.checks)
            yield self._row(places, at)

    def _row(self, places: Places, number: int) -> RowSegments:
        for attempt in count():
            rng = random.Random(f"{self.seed} {number} {attempt}")
            cutter, path, at = places.draw(number, self.seed, rng)
            if row := self._cut(cutter, path, at, rng):
                return row
        raise AssertionError("there is no end to attempts")

    def _cut(self, cutter: Cutter, path: str, at: int, rng: random.Random) -> RowSegments | None:
        span = _lines(cutter.text, at, rng) if rng.random() < LONG else _typed(cutter, at, rng)
        if span is None or MASK in cutter.text[span.start : span.end]:
            return None
        encode, text = self.tokenizer.encode, cutter.text
        middle = encode(text[span.start : span.end])
        if len(middle) > MOST_MIDDLE:
            return None
        suffix = encode(text[span.end : span.end + CHARS * max(SUFFIXES)])[: rng.choice(SUFFIXES)]
        name = encode(f"{short(path)}\n")
        others = self._others(cutter, path, span) if rng.random() < WITH_SNIPPETS else []
        room = self.length - len(self.format.render([], suffix, name, others)) - len(middle)
        if room < 0:
            return None
        prefix = self._prefix(text[max(0, span.start - CHARS * room) : span.start], room)
        return self.format.render(prefix, suffix, name, others), middle

    def _prefix(self, before: str, room: int) -> list[int]:
        """Return as many of the last tokens as there is room for, from the beginning of a line on."""
        ids = self.tokenizer.encode(before)
        if len(ids) <= room:
            return ids
        kept = self.tokenizer.decode(ids[len(ids) - room :])
        line = kept.find("\n", 0, LINE_CHARS) + 1
        ids = self.tokenizer.encode(kept[line:])
        return ids[max(len(ids) - room, 0) :]

    def _others(self, cutter: Cutter, path: str, span: Span) -> list[list[int]]:
        text = cutter.text[: span.start] + cutter.text[span.end :]
        snap = Snapshot(path, 0, language_of(path), text, span.start, path=path)
        chosen = Snippets(self.workspace).choose(snap, locate(snap, Trees()))
        return [self.tokenizer.encode(f"{short(one.path)}\n{one.text}\n")[:MOST_SNIPPET] for one in chosen]


class Places:
    """The places of some texts, a stride apart."""

    def __init__(self, files: Sequence[SourceText]):
        self.files = files
        self.ends = list(accumulate(-(-len(file.text) // STRIDE) for file in files))

    @cached_property
    def cutters(self) -> list[Cutter]:
        return [Cutter(file.text, get(language_of(file.path))) for file in self.files]

    def __len__(self) -> int:
        return self.ends[-1]

    def draw(self, number: int, seed: int, rng: random.Random) -> tuple[Cutter, str, int]:
        """Return the text, path and place that come `number`-th; an epoch has each stride once."""
        epoch, at = divmod(number, len(self))
        stride = random.Random(f"{seed} {epoch}").sample(range(len(self)), len(self))[at]
        file = bisect_right(self.ends, stride)
        first = self.ends[file - 1] if file else 0
        place = (stride - first) * STRIDE + rng.randrange(STRIDE)
        return self.cutters[file], self.files[file].path, min(place, len(self.files[file].text) - 1)


class AdaptObjective(GptObjective):
    """Loss on the middle and its end alone.

    Learning the prefix, too, makes ends unlikely: in running text a line's last token is one with its break.
    """

    def example(self, row: RowSegments, seed: tuple[int, int]) -> Example:
        prompt, middle = (list(piece) for piece in row)
        example, ids = Example(), [*prompt, *middle]
        example.add(ids, range(len(ids)), CONTEXT)
        for at, token in enumerate([*middle, self.end], len(prompt) - 1):
            example.targets.append((at, token, 1.0, 0))
        return example


def _typed(cutter: Cutter, at: int, rng: random.Random) -> Span | None:
    window = max(0, at - STRIDE // 2), min(len(cutter.text), at + STRIDE)
    return next(iter(cutter.spans(rng, KINDS, 1, window, MOST_CHARS)), None)


def _lines(text: str, at: int, rng: random.Random) -> Span | None:
    """Return the rest of a line and some after it, up to the end of one."""
    end = text.find("\n", min(at + rng.randint(*LONG_CHARS), len(text) - 1))
    span = Span(at, len(text) if end < 0 else end)
    return span if text[span.start : span.end].strip() else None
