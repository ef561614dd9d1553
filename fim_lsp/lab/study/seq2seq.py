"""The encoder–decoder's objective: write the middle, and spans of the context hidden as in T5 (arXiv 1910.10683).

    encoder   a , <mask> ) : return <middle> * h
    decoder                <middle> w        <mask> h        a span begins with its mark, at its mark's position,
    target                        w <end>         h <end>    and ends with the end mark

Without the spans only the middle, a few tokens of a row, would teach it anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fim_lsp.lab.train.batch import CONTEXT, PAD, Example, RowSegments
from fim_lsp.nn.study.vocabulary import END, MASK, MIDDLE

LONGEST_SPAN = 5
MaskedSpan = tuple[int, list[int]]  # where its mark stands in the encoder's input, and its tokens


@dataclass(frozen=True)
class Seq2SeqObjective:
    """Rows whose context fits `context` positions, the rest of `length` for the decoder; `hidden` of the context is."""

    context: int
    length: int
    hidden: float = 0.15

    def example(self, row: RowSegments, seed: tuple[int, int]) -> Example:
        """Build the example of a row with one hole; the same seed builds the same one."""
        rng = np.random.default_rng(seed)
        before, spans = self._hide(row[0], rng)
        after, more = self._hide(row[2], rng)
        ids, hole = [*before, MIDDLE, *after], len(before)
        if len(ids) > self.context:
            raise ValueError(f"a context of {len(ids)} positions does not fit {self.context}")
        example = Example()
        example.add(ids, range(len(ids)), CONTEXT)
        empty = self.context - len(ids)
        example.add([END] * empty, [0] * empty, PAD)
        self._write(example, MIDDLE, hole, list(row[1]), 0)
        for position, span in [*spans, *((at + hole + 1, span) for at, span in more)]:
            self._write(example, MASK, position, span, -1)
        return example

    def mask(self, groups: Tensor) -> Tensor:
        """Everyone sees the context; the decoder also what it wrote before."""
        length = groups.shape[1]
        is_context = torch.arange(length, device=groups.device) < self.context
        earlier = groups.new_ones(length, length, dtype=torch.bool).tril() & ~is_context
        return ((groups == CONTEXT) & is_context)[:, None, :] | earlier

    def _write(self, example: Example, mark: int, position: int, tokens: list[int], span: int) -> None:
        ids = [mark, *tokens][: max(self.length - len(example.ids), 0)]
        for at, target in enumerate([*tokens, END][: len(ids)]):
            example.targets.append((len(example.ids) + at, target, 1.0, span))
        example.add(ids, range(position, position + len(ids)), CONTEXT + 1)

    def _hide(self, piece: Sequence[int], rng: np.random.Generator) -> tuple[list[int], list[MaskedSpan]]:
        """Replace spans of one to LONGEST_SPAN tokens by a mark each."""
        rate = 2 * self.hidden / (1 + LONGEST_SPAN)
        ids: list[int] = []
        spans: list[MaskedSpan] = []
        at = 0
        while at < len(piece):
            if rng.random() < rate:
                size = int(rng.integers(1, LONGEST_SPAN + 1))
                spans.append((len(ids), list(piece[at : at + size])))
                ids.append(MASK)
                at += size
            else:
                ids.append(piece[at])
                at += 1
        return ids, spans
