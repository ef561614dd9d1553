"""A decoder as in GPT-2 (Radford et al., 2019): learned positions, every place looks back only."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from fim_lsp.nn.study.blocks import Block, Seen, back, through
from fim_lsp.nn.study.network import Network, StudyShape, Writing, initialise
from fim_lsp.nn.study.vocabulary import MIDDLE, PREFIX, SUFFIX


class SmallGpt(Network):
    """Token and position embeddings, causal blocks, a final norm."""

    def __init__(self, shape: StudyShape):
        super().__init__(shape)
        self.place = nn.Embedding(shape.positions, shape.hidden)
        self.blocks = nn.ModuleList(Block(shape.hidden, shape.inner, shape.heads) for _ in range(shape.layers))
        self.norm = nn.LayerNorm(shape.hidden)
        self.apply(initialise)

    @property
    def layers(self) -> Sequence[nn.Module]:
        return list(self.blocks)

    def forward(self, ids: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        """Return hidden states [rows, length, hidden] under a mask [rows, 1, length, length]."""
        return self._run(ids, positions, mask, None)[0]

    @torch.inference_mode()
    def begin(self, before: Sequence[int], after: Sequence[int], stop: Callable[[], bool]) -> Writing | None:
        """Read suffix, then prefix, in one pass of a few milliseconds; None when stopped."""
        return None if stop() else self._read([SUFFIX, *after, PREFIX, *before, MIDDLE], None, 0)

    @torch.inference_mode()
    def advance(self, at: Writing, token: int) -> Writing:
        """Take one token more, looking back at the kept keys and values."""
        return self._read([token], at.kept, at.length)

    def _read(self, ids: Sequence[int], past: list[Seen] | None, start: int) -> Writing:
        device = self.embed_tokens.weight.device
        row, positions = torch.tensor([ids], device=device), torch.arange(start, start + len(ids), device=device)
        hidden, seen = self._run(row, positions, None if past else back(len(ids), device), past)
        return Writing(seen, start + len(ids), self.following(hidden[0, -1]))

    def _run(
        self, ids: Tensor, positions: Tensor, mask: Tensor | None, past: list[Seen] | None
    ) -> tuple[Tensor, list[Seen]]:
        x, kept = through(self.blocks, self.embed_tokens(ids) + self.place(positions), mask, past)
        return self.norm(x), kept
