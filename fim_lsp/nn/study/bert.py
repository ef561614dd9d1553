"""An encoder as in BERT (Devlin et al., arXiv 1810.04805): token + segment + position, two objectives.

    context   <begin> def area ( w , h ): return ···gap··· <separator> * h      segment 0, then 1; sees itself
    canvas                                       ▢ ▢ ▢                          segment 0; sees the context and itself

Beside the masked tokens it is asked at its first place whether the suffix follows the prefix; the two answers are
marks of the vocabulary, so the second head is two rows of the output matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from fim_lsp.checkpoints.files import Floats
from fim_lsp.nn.canvas import Canvas, CanvasHole, Layout, lay_out, spread
from fim_lsp.nn.study.blocks import Block, Seen, through
from fim_lsp.nn.study.network import Network, StudyShape, initialise
from fim_lsp.nn.study.vocabulary import FOLLOWS, FOREIGN, MARKS, SEPARATOR


class BertReading(NamedTuple):
    """A context that was read: keys and values of each block, how long it is, its holes, and its first place."""

    seen: list[Seen]
    length: int
    holes: list[CanvasHole]
    first: Tensor


class SmallBert(Network):
    """Token, segment and position embeddings, blocks that look both ways, a final norm."""

    def __init__(self, shape: StudyShape):
        super().__init__(shape)
        self.place, self.segment = nn.Embedding(shape.positions, shape.hidden), nn.Embedding(2, shape.hidden)
        self.blocks = nn.ModuleList(Block(shape.hidden, shape.inner, shape.heads) for _ in range(shape.layers))
        self.norm = nn.LayerNorm(shape.hidden)
        self.apply(initialise)

    @property
    def layers(self) -> Sequence[nn.Module]:
        return list(self.blocks)

    def forward(self, ids: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        """Return hidden states [rows, length, hidden] under a mask [rows, 1, length, length]."""
        return self._run(ids, positions, _segments(ids, positions), mask, None)[0]

    @torch.inference_mode()
    def read(self, layout: Layout, is_over: Callable[[], bool] | None = None) -> BertReading:
        """Read a context whose last piece begins with the separator."""
        ids, positions = self._tensors(layout.ids, layout.positions)
        hidden, seen = self._run(ids, positions, _segments(ids, positions), None, None)
        return BertReading(seen, len(layout.ids), layout.holes, hidden[0, 0])

    @torch.inference_mode()
    def score_canvases(
        self, reading: BertReading, canvases: Sequence[Canvas], wanted: int, banned: Sequence[int]
    ) -> Floats:
        """Return log-probabilities [slots holding `wanted`, vocab] of several canvases in one pass."""
        on = spread(reading.holes, canvases, wanted, is_shifted=False)
        ids, positions = self._tensors(on.ids, on.positions)
        whose = torch.tensor(on.owners, device=ids.device)
        mask = torch.ones(len(whose), reading.length + len(whose), dtype=torch.bool, device=ids.device)
        mask[:, reading.length :] = whose[:, None] == whose[None, :]
        hidden, _ = self._run(ids, positions, torch.zeros_like(ids), mask, reading.seen)
        logits = self.logits(hidden[0, torch.tensor(on.asked, device=ids.device)]).float()
        logits[:, [*banned, SEPARATOR, FOLLOWS, FOREIGN]] = -torch.inf
        return np.asarray(logits.log_softmax(-1).cpu())

    @torch.inference_mode()
    def follows(self, before: Sequence[int], after: Sequence[int]) -> float:
        """Return the probability that `after` is what followed `before` in its file, 0 to 1."""
        first = self.read(lay_out([before, [SEPARATOR, *after]], MARKS)).first
        return float(self.logits(first)[[FOLLOWS, FOREIGN]].softmax(0)[0])

    def _tensors(self, ids: Sequence[int], positions: Sequence[int]) -> tuple[Tensor, Tensor]:
        device = self.embed_tokens.weight.device
        return torch.tensor([ids], device=device), torch.tensor([positions], device=device)

    def _run(
        self, ids: Tensor, positions: Tensor, segments: Tensor, mask: Tensor | None, past: list[Seen] | None
    ) -> tuple[Tensor, list[Seen]]:
        x, kept = through(
            self.blocks, self.embed_tokens(ids) + self.segment(segments) + self.place(positions), mask, past
        )
        return self.norm(x), kept


def _segments(ids: Tensor, positions: Tensor) -> Tensor:
    """Return 1 from the separator on, 0 before it, [rows, length]; canvases stand before it, wherever they are read."""
    is_separator = ids == SEPARATOR
    begins = torch.where(is_separator, positions, positions.max() + 1).amin(1, keepdim=True)
    return (positions >= begins).long()
