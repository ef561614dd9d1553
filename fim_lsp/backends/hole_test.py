"""Holes that any model for code fills: whether a decoder's format was understood, and how fast it is here."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from fim_lsp.backends.reader import Reader
from fim_lsp.checkpoints.formats import Format
from fim_lsp.nn import decode

HOLES = (  # before, behind, and how the answer begins
    ("def add(first, second):\n    return first + ", "\n\n\nprint(add(2, 3))\n", "second"),
    ("numbers = [1, 2, 3]\ntotal = 0\nfor number in numbers:\n    total += ", "\nprint(total)\n", "number"),
    ("class Point:\n    def __init__(self, x, y):\n        self.x = x\n        self.y = ", "\n\n\nPoint(1, 2)\n", "y"),
)
TRIED = ("prefix-first", "suffix-first")
TOKENS = 8  # of an answer
READ_TOKENS, DECODED_TOKENS = 256, 24  # that the speed is measured on


@dataclass(frozen=True)
class HoleTest:
    """How many of the holes each order fills, and what was said."""

    right: Mapping[str, int]
    answers: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, reader: Reader) -> HoleTest:
        """Fill every hole in both orders, or from the prefix alone where no format is known."""
        orders = [reader.format.order] if reader.format.order not in TRIED else list(TRIED)
        answers = {order: tuple(_fill(reader, replace(reader.format, order=order), *hole[:2]) for hole in HOLES)
                   for order in orders}  # fmt: skip
        right = {
            order: sum(said.lstrip().startswith(hole[2]) for said, hole in zip(some, HOLES, strict=True))
            for order, some in answers.items()
        }
        return cls(right, answers)

    def best(self, usual: str) -> str:
        """Return the order that fills most, `usual` where no other fills more."""
        return max(self.right, key=lambda order: (self.right[order], order == usual))

    def __str__(self) -> str:
        return ", ".join(f"{order} {right} of {len(HOLES)}" for order, right in self.right.items())


def speed(reader: Reader) -> tuple[float, float]:
    """Return milliseconds a token read and a token decoded, measured once."""
    text = "".join(before for before, _, _ in HOLES) * 8
    ids = reader.tokenizer.encode(text)[:READ_TOKENS]
    cache = reader.model.new_cache(len(ids) + DECODED_TOKENS)
    decode.prefill(reader.model, reader.model.new_cache(len(ids)), ids[:16], _never)  # pages come in, threads wake
    began = time.perf_counter()
    logits = decode.prefill(reader.model, cache, ids, _never, chunk=reader.chunk)
    assert logits is not None, "nothing stops it"
    read = time.perf_counter()
    for _ in range(DECODED_TOKENS):
        logits = decode.decode_one(reader.model, cache, decode.pick(logits).token)
    decoded = time.perf_counter()
    return (read - began) * 1e3 / len(ids), (decoded - read) * 1e3 / DECODED_TOKENS


def _fill(reader: Reader, format: Format, before: str, after: str) -> str:
    prompt = format.render(reader.tokenizer.encode(before), reader.tokenizer.encode(after), [])
    cache = reader.model.new_cache(len(prompt) + TOKENS)
    logits = decode.prefill(reader.model, cache, prompt, _never)
    assert logits is not None, "nothing stops it"
    steps = decode.decode(reader.model, cache, decode.pick(logits), TOKENS, format.ends, _never)
    return reader.tokenizer.decode([step.token for step in steps])


def _never() -> bool:
    return False
