"""The decoder's objective: suffix, prefix, middle (SPM of arXiv 2207.14255), in the order its `fim` table names."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from fim_lsp.lab.train.batch import CONTEXT, Example, RowSegments


@dataclass(frozen=True)
class GptObjective:
    """Loss 1 on the middle and `context_weight` on what stands before it."""

    prefix: int
    suffix: int
    middle: int
    end: int
    length: int = 516
    context_weight: float = 0.15

    def example(self, row: RowSegments, seed: tuple[int, int]) -> Example:
        """Build the example of a row with one hole; a row of one piece is plain text, left to right."""
        example = Example()
        wanted: list[int | None]
        if len(row) == 1:
            ids, wanted, middle = [self.end, *row[0]], [*row[0], self.end], 0
        else:
            before, fill, after = self._fit(*(list(piece) for piece in row))
            context = [self.suffix, *after, self.prefix, *before]
            ids, middle = [*context, self.middle, *fill], len(context)
            wanted = [*context[1:], None, *fill, self.end]
        ids = ids[: self.length]
        example.add(ids, range(len(ids)), CONTEXT)
        for at, token in enumerate(wanted[: len(ids)]):
            weight = 1.0 if at >= middle else self.context_weight
            if token is not None and weight:
                example.targets.append((at, token, weight, 0 if at >= middle > 0 else -1))
        return example

    def mask(self, groups: Tensor) -> Tensor:
        """Each place sees itself and what stands before it."""
        length = groups.shape[1]
        ones = groups.new_ones(length, length, dtype=torch.bool)
        return ones.tril().expand(len(groups), -1, -1)

    def _fit(self, before: list[int], fill: list[int], after: list[int]) -> tuple[list[int], list[int], list[int]]:
        """Cut the context at its far ends until the middle has room; a quarter of it stays for the suffix."""
        room = max(self.length - len(fill) - 3, 0)
        after = after[: max(room // 4, room - len(before))]
        return before[max(len(before) + len(after) - room, 0) :], fill, after
