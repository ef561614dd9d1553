"""An encoder–decoder (Vaswani et al., arXiv 1706.03762): one reads around the hole, the other writes into it.

    encoder   def area(w, h): return <middle> * h       sees all of it, both ways
    decoder                          <middle> w         sees what it wrote, and by cross-attention the encoder's output

The decoder's positions go on from the hole's, so that a sine's phase says where its neighbours are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from fim_lsp.nn.study.blocks import Block, CrossBlock, Seen, sinusoids
from fim_lsp.nn.study.network import Network, StudyShape, Writing, initialise
from fim_lsp.nn.study.vocabulary import MIDDLE

LONGEST = 2048


class Kept(NamedTuple):
    """For each decoder block, what was written so far and what the encoder read."""

    past: list[Seen]
    memory: list[Seen]


class EncoderDecoder(Network):
    """Half of the blocks read, half write; in a training row the context fills the first `positions` of it."""

    sines: Tensor

    def __init__(self, shape: StudyShape):
        super().__init__(shape)
        size = shape.hidden, shape.inner, shape.heads
        self.encoder = [Block(*size) for _ in range(shape.layers)]
        self.decoder = [CrossBlock(*size) for _ in range(shape.layers)]
        self.blocks = nn.ModuleList([*self.encoder, *self.decoder])
        self.norm_encoder, self.norm_decoder = nn.LayerNorm(shape.hidden), nn.LayerNorm(shape.hidden)
        self.register_buffer("sines", sinusoids(LONGEST, shape.hidden), persistent=False)
        self.apply(initialise)

    @property
    def layers(self) -> Sequence[nn.Module]:
        return list(self.blocks)

    def forward(self, ids: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        """Return hidden states [rows, length, hidden]; mask [rows, 1, length, length] covers both parts."""
        end = self.config.positions
        x = self._embed(ids, positions)
        read = self._encode(x[:, :end], mask[..., :end, :end])
        written = x[:, end:]
        for block in self.decoder:
            memory = block.cross.read(read)
            written, _ = block.across(written, mask[..., end:, end:], None, memory, mask[..., end:, :end])
        return torch.cat((read, self.norm_decoder(written)), 1)

    @torch.inference_mode()
    def begin(self, before: Sequence[int], after: Sequence[int], stop: Callable[[], bool]) -> Writing | None:
        """Read the context both ways in one pass of a few milliseconds; None when stopped."""
        if stop():
            return None
        ids = torch.tensor([[*before, MIDDLE, *after]], device=self.sines.device)
        read = self._encode(self._embed(ids, torch.arange(ids.shape[1], device=ids.device)), None)
        memory = [block.cross.read(read) for block in self.decoder]
        return self._write(Kept([], memory), len(before), MIDDLE)

    @torch.inference_mode()
    def advance(self, at: Writing, token: int) -> Writing:
        """Take one token more; the context is not read again."""
        return self._write(at.kept, at.length, token)

    def _embed(self, ids: Tensor, positions: Tensor) -> Tensor:
        return self.scaled(ids) + self.sines[positions]

    def _encode(self, x: Tensor, mask: Tensor | None) -> Tensor:
        for block in self.encoder:
            x, _ = block(x, mask)
        out: Tensor = self.norm_encoder(x)
        return out

    def _write(self, kept: Kept, position: int, token: int) -> Writing:
        device = self.sines.device
        x = self._embed(torch.tensor([[token]], device=device), torch.tensor([position], device=device))
        past = []
        for number, block in enumerate(self.decoder):
            x, seen = block.across(x, None, kept.past[number] if kept.past else None, kept.memory[number], None)
            past.append(seen)
        return Writing(Kept(past, kept.memory), position + 1, self.following(self.norm_decoder(x)[0, 0]))
