"""Prompts as the decoder was tuned with, from files of several languages: for calibrated rounding, and to judge by.

[<|file_sep|>path⏎ snippet⏎]{0,2} [<|file_sep|>path⏎] <|fim_suffix|> suffix <|fim_prefix|> prefix <|fim_middle|> middle
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fim_lsp.checkpoints.tokenizer import Tokenizer
from fim_lsp.compare import holes
from fim_lsp.languages import get

MIX = {"rest_of_line": 0.45, "whole_line": 0.2, "block": 0.15, "characters": 0.15, "empty": 0.05}
CONTEXTS, SUFFIX_SHARES = (192, 256, 320, 384, 448, 512, 640), (0.1, 0.2, 0.25, 0.3)
MOST_MIDDLE_CHARS, MOST_MIDDLE = 600, 160  # characters, tokens
SNIPPET_LINES, SNIPPET_TOKENS, ALIKE = 20, 260, 0.08
WITH_SNIPPETS, WITH_PATH = 0.3, 0.4
WORD = re.compile(r"[A-Za-z_]\w{2,}")
CUT_CHARS = 6  # for each token, cut before encoding: more than any window needs


class File(NamedTuple):
    """A source file of a package."""

    package: str
    path: str
    text: str


@dataclass(frozen=True)
class CalibrationRow:
    """Token ids, the last `middle` of them (and the end token after them) to be said."""

    ids: list[int]
    middle: int


class Prompts:
    """Draws prompts without end; the same seed draws the same ones."""

    def __init__(
        self, tokenizer: Tokenizer, files: Mapping[str, Sequence[File]], shares: Mapping[str, float], seed: int
    ):
        self.tokenizer, self.files, self.shares = tokenizer, files, shares
        self.rng = random.Random(seed)
        self.packages: dict[str, dict[str, list[File]]] = {}
        for language, some in files.items():
            by_package = self.packages.setdefault(language, defaultdict(list))
            for file in some:
                by_package[file.package].append(file)

    def __iter__(self) -> Iterator[CalibrationRow]:
        languages, shares = list(self.shares), list(self.shares.values())
        while True:
            language = self.rng.choices(languages, shares)[0]
            if prompt := self._cut(language, self.rng.choice(self.files[language])):
                yield prompt

    def _cut(self, language: str, file: File) -> CalibrationRow | None:
        cutter = holes.Cutter(file.text, get(language))  # the kinds of MIX are cut without a tree
        span = next(iter(cutter.spans(self.rng, MIX, most_chars=MOST_MIDDLE_CHARS)), None)
        if span is None:
            return None
        context = self.rng.choice(CONTEXTS)
        suffix = int(context * self.rng.choice(SUFFIX_SHARES))
        before = file.text[max(0, span.start - context * CUT_CHARS) : span.start]
        after = file.text[span.end : span.end + suffix * CUT_CHARS]
        encode, mark = self.tokenizer.encode, self._mark
        middle = encode(file.text[span.start : span.end])
        if len(middle) > MOST_MIDDLE:
            return None
        head = self._others(language, file, before[-700:] + after[:300]) if self.rng.random() < WITH_SNIPPETS else []
        if head or self.rng.random() < WITH_PATH:
            head += [mark("<|file_sep|>"), *encode(file.path + "\n")]
        ids = [*head, mark("<|fim_suffix|>"), *encode(after)[:suffix]]
        ids += [mark("<|fim_prefix|>"), *encode(before)[suffix - context :], mark("<|fim_middle|>"), *middle]
        return CalibrationRow([*ids, mark("<|endoftext|>")], len(middle) + 1)

    def _others(self, language: str, file: File, around: str) -> list[int]:
        """Return up to two windows of other files of the package, those that share most words with the place."""
        wanted, found = set(WORD.findall(around)), []
        others = [one for one in self.packages[language][file.package] if one.path != file.path]
        for other in self.rng.sample(others, min(len(others), 20)):
            lines = other.text.split("\n")
            for at in range(0, min(len(lines), 300), SNIPPET_LINES):
                window = "\n".join(lines[at : at + SNIPPET_LINES])
                words = set(WORD.findall(window))
                if words and (alike := len(words & wanted) / len(words | wanted)) > ALIKE:
                    found.append((alike, other.path, window))
        ids: list[int] = []
        for _, path, window in sorted(found, reverse=True)[: self.rng.choice((1, 1, 2))]:
            ids += [self._mark("<|file_sep|>"), *self.tokenizer.encode(f"{path}\n{window}\n")][:SNIPPET_TOKENS]
        return ids

    def _mark(self, name: str) -> int:
        found = self.tokenizer.sentinel(name)
        if found is None:
            raise ValueError(f"the vocabulary lacks {name}: these prompts are for the Qwen2.5-Coder family")
        return found
