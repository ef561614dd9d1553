"""The bidirectional sibling of the decoder: the context is read once, then canvases look at it as often as needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from fim_lsp.nn.canvas import Canvas, Hole, Layout, spread
from fim_lsp.nn.kv_cache import KVCache
from fim_lsp.nn.transformer import Layers


class Reading(NamedTuple):
    """A context that was read: its keys and values, and the holes in it."""

    cache: KVCache
    length: int
    holes: list[Hole]


class Encoder(Layers):
    """A masked language model: context sees context, a canvas sees the context and itself."""

    @torch.inference_mode()
    def read(self, layout: Layout) -> Reading:
        """Compute keys and values of a context."""
        length = len(layout.ids)
        cache = self.new_cache(length)
        self.run(layout.ids, torch.tensor(layout.positions, device=self.device), cache, 0, "all")
        return Reading(cache, length, layout.holes)

    @torch.inference_mode()
    def look(self, reading: Reading, canvases: Sequence[Canvas], wanted: int, banned: Sequence[int]) -> Tensor:
        """Return log-probabilities [slots holding `wanted`, vocab] of several canvases, none seeing another.

        All canvases go through in one pass; `banned` ids get none.
        """
        on = spread(reading.holes, canvases, wanted)
        reading.cache.make_room(reading.length + len(on.ids))
        whose = torch.tensor(on.owners, device=self.device)
        mask = torch.ones(len(whose), reading.length + len(whose), dtype=torch.bool, device=self.device)
        mask[:, reading.length :] = whose[:, None] == whose[None, :]
        at = torch.tensor(on.positions, device=self.device)
        x = self.run(on.ids, at, reading.cache, reading.length, mask)
        logits = self.logits(x[torch.tensor(on.asked, device=self.device)])
        logits[:, list(banned)] = -torch.inf
        return logits.log_softmax(-1)
