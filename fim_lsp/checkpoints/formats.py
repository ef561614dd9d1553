"""How a decoder wants its prompt: the order of prefix and suffix, and the sentinels around them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fim_lsp.errors import ModelMismatch
from fim_lsp.sentinels import KNOWN, Sentinels

SIZES = {"prefix_tokens": 384, "suffix_tokens": 128}  # of a model that does not say
BESIDE = 4 + 128 + 48  # tokens beside prefix and suffix: sentinels, a path, an answer
LEAST = 32  # tokens around the cursor, below which nothing can be completed
ENDS = {"<|im_end|>", *(end for marks in KNOWN for end in marks.ends)}
PIECE = "▁"  # begins CodeLlama's sentinels in the vocabulary: ▁<PRE>


def find(sentinel: Callable[[str], int | None], name: str) -> int | None:
    """Return the id of a sentinel, spelt as it is published or as SentencePiece keeps it."""
    found = sentinel(name)
    return sentinel(PIECE + name) if found is None else found


def recognised(sentinel: Callable[[str], int | None]) -> Sentinels | None:
    """Return the first family whose sentinels a vocabulary has, None where it has none's.

    Of families that spell theirs alike it is the first: a Mellum says its order in config.json.
    """

    def is_there(marks: Sentinels) -> bool:
        names = (marks.prefix, marks.suffix, marks.middle)
        return all(names) and None not in [find(sentinel, name) for name in names]

    return next(filter(is_there, KNOWN), None)


@dataclass(frozen=True)
class Format:
    """How a checkpoint wants its prompt: order and sentinels, from the `fim` table of its config.json."""

    order: str  # "suffix-first", "prefix-first", or "prefix-only" for a model that was never taught to fill in
    prefix: int
    suffix: int
    middle: int
    ends: frozenset[int]
    prefix_tokens: int
    suffix_tokens: int
    file: int | None = None  # stands before the file's path, for a model that was taught to read one
    begin: tuple[int, ...] = ()  # stands before all, as the vocabulary's own template has it

    @classmethod
    def read(cls, fim: Mapping[str, Any], sentinel: Callable[[str], int | None]) -> Format:
        """Take the checkpoint's word, else recognise published sentinels, else read the prefix alone.

        `sentinel` returns the id of a special token, None where the vocabulary lacks it. Raises ModelMismatch.
        """
        ends = frozenset(at for name in ENDS if (at := find(sentinel, name)) is not None)
        file = find(sentinel, fim["file"]) if "file" in fim else None
        sizes = {name: fim.get(name, default) for name, default in SIZES.items()}
        if fim:
            order, names = fim.get("order", "prefix-first"), (fim["prefix"], fim["suffix"], fim["middle"])
        elif marks := recognised(sentinel):
            order = "suffix-first" if marks.is_suffix_first else "prefix-first"
            names = (marks.prefix, marks.suffix, marks.middle)
        else:
            return cls("prefix-only", -1, -1, -1, ends, **sizes)
        ids = [at for name in names if (at := find(sentinel, name)) is not None]
        if len(ids) < len(names):
            raise ModelMismatch(f"the vocabulary lacks the sentinels {names} that config.json names")
        prefix, suffix, middle = ids
        return cls(order, prefix, suffix, middle, ends.union(ids), **sizes, file=file)

    def within(self, positions: int) -> Format:
        """Read less where a model has fewer positions than that; raises ModelMismatch where it has next to none."""
        room = positions - BESIDE
        if room < LEAST:
            raise ModelMismatch(
                f"config.json gives {positions} positions, and a prompt takes {BESIDE + LEAST} at the least"
            )
        if (most := self.prefix_tokens + self.suffix_tokens) <= room:
            return self
        prefix = max(room * self.prefix_tokens // most, 1)
        return replace(self, prefix_tokens=prefix, suffix_tokens=room - prefix)

    def render(
        self, prefix: list[int], suffix: list[int], path: list[int], others: Sequence[list[int]] = ()
    ) -> list[int]:
        """Lay out the prompt (SPM and PSM of arXiv 2207.14255); suffix-first, typing only appends.

        `path` is the file's with the line break behind it, or nothing; `others` are snippets of other files, each
        after its own path. Left out where the model knows no `file`, the others also where the file has no path.
        """
        files = [*others, path] if path and self.file is not None else []
        head = [*self.begin, *(token for file in files for token in (self.file, *file) if token is not None)]
        if self.order == "suffix-first":
            return [*head, self.suffix, *suffix, self.prefix, *prefix, self.middle]
        if self.order == "prefix-first":
            return [*head, self.prefix, *prefix, self.suffix, *suffix, self.middle]
        return [*self.begin, *prefix]
