"""How a decoder wants its prompt: the order of prefix and suffix, and the sentinels around them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fim_lsp.errors import ModelMismatch

SENTINELS = (  # (prefix, suffix, middle) names of published families; all of them put the prefix first
    ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"),  # Qwen2.5-Coder, Stable-Code
    ("<fim_prefix>", "<fim_suffix>", "<fim_middle>"),  # StarCoder2, Granite, Refact
    ("<fim-prefix>", "<fim-suffix>", "<fim-middle>"),  # SantaCoder
    ("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),  # DeepSeek-Coder
    ("▁<PRE>", "▁<SUF>", "▁<MID>"),  # CodeLlama
)
BESIDE = 4 + 128 + 48  # tokens beside prefix and suffix: sentinels, a path, an answer
LEAST = 32  # tokens around the cursor, below which nothing can be completed
ENDS = (
    "<|endoftext|>",
    "<|im_end|>",
    "</s>",
    "<|fim_pad|>",
    "<|file_sep|>",
    "<file_sep>",
    "▁<EOT>",
    "<｜end▁of▁sentence｜>",
)


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

    @classmethod
    def read(cls, fim: Mapping[str, Any], sentinel: Callable[[str], int | None]) -> Format:
        """Take the checkpoint's word, else recognise published sentinels, else read the prefix alone.

        `sentinel` returns the id of a special token, None where the vocabulary lacks it. Raises ModelMismatch.
        """
        ends = frozenset(at for name in ENDS if (at := sentinel(name)) is not None)
        file = sentinel(fim["file"]) if "file" in fim else None
        sizes = {"prefix_tokens": fim.get("prefix_tokens", 384), "suffix_tokens": fim.get("suffix_tokens", 128)}
        named = [(fim["prefix"], fim["suffix"], fim["middle"])] if fim else list(SENTINELS)
        for names in named:
            ids = [sentinel(name) for name in names]
            if None not in ids:
                prefix, suffix, middle = (int(at) for at in ids if at is not None)
                others = ends | {prefix, suffix, middle}
                return cls(fim.get("order", "prefix-first"), prefix, suffix, middle, others, **sizes, file=file)
        if fim:
            raise ModelMismatch(f"the vocabulary lacks the sentinels {named[0]} that config.json names")
        return cls("prefix-only", -1, -1, -1, ends, **sizes)

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
        head = [token for file in files for token in (self.file, *file) if token is not None]
        if self.order == "suffix-first":
            return [*head, self.suffix, *suffix, self.prefix, *prefix, self.middle]
        if self.order == "prefix-first":
            return [*head, self.prefix, *prefix, self.suffix, *suffix, self.middle]
        return prefix
