"""BERT's two objectives on code (arXiv 1810.04805): masked tokens, and whether the suffix follows the prefix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from torch import Tensor

from fim_lsp.lab.train.batch import Example, RowSegments
from fim_lsp.lab.train.bert import BertObjective
from fim_lsp.nn.study.vocabulary import FOLLOWS, FOREIGN, MARKS, SEPARATOR


@dataclass(frozen=True)
class PairObjective:
    """Canvases and hidden context as the infiller's; `foreign` of the rows get the suffix of another row.

    `inner` places its canvases unshifted, as BERT's masks are. The head's target stands at the first place.
    """

    inner: BertObjective
    suffixes: Sequence[Sequence[int]] = field(repr=False, default=())
    foreign: float = 0.5

    @classmethod
    def sized(cls, context: int, length: int, suffixes: Sequence[Sequence[int]]) -> PairObjective:
        """Hide 15 % of every row's context; begin and separator come on top of `context` tokens."""
        shown = frozenset({SEPARATOR})  # where the second segment begins
        return cls(BertObjective(MARKS, length, context + 1, 1.0, is_shifted=False, shown=shown), suffixes)

    def plain(self) -> PairObjective:
        """Return the objective with nothing hidden but the canvas, and every suffix its row's own."""
        return replace(self, inner=replace(self.inner, hidden_rows=0.0), foreign=0.0)

    @property
    def length(self) -> int:
        return self.inner.length

    def example(self, row: RowSegments, seed: tuple[int, int]) -> Example:
        """Build the example of a row with one hole; the same seed builds the same one."""
        rng = np.random.default_rng((*seed, 1))
        is_foreign = rng.random() < self.foreign
        after = self.suffixes[int(rng.integers(len(self.suffixes)))] if is_foreign else row[2]
        example = self.inner.example([row[0], row[1], [SEPARATOR, *after]], seed)
        example.targets.append((0, FOREIGN if is_foreign else FOLLOWS, 1.0, -1))
        return example

    def mask(self, groups: Tensor) -> Tensor:
        """Everyone sees the context; a canvas sees the canvases of its own view too."""
        return self.inner.mask(groups)
