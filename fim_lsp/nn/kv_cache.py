"""Keys and values of one token sequence, kept between requests so that typing only appends."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from fim_lsp.nn.checkpoint import ModelConfig


class KVCache:
    """Preallocated K and V of every layer, [layers, kv_heads, capacity, head_dim], and the ids they stand for."""

    def __init__(self, config: ModelConfig, capacity: int, dtype: torch.dtype, device: torch.device):
        shape = (config.layers, config.kv_heads, capacity, config.head_dim)
        self.keys: Tensor = torch.zeros(shape, dtype=dtype, device=device)
        self.values: Tensor = torch.zeros(shape, dtype=dtype, device=device)
        self.capacity = capacity
        self.ids: list[int] = []

    def __len__(self) -> int:
        return len(self.ids)

    def make_room(self, capacity: int) -> None:
        """Grow to at least `capacity` tokens, keeping what is there."""
        if (more := capacity - self.capacity) > 0:
            self.keys, self.values = (F.pad(kept, (0, 0, 0, more)) for kept in (self.keys, self.values))
            self.capacity = capacity

    def shared(self, prompt: list[int]) -> int:
        """Return the length of the longest common prefix with `prompt`, but its last token."""
        limit = max(min(len(self.ids), len(prompt) - 1), 0)
        return next((at for at in range(limit) if self.ids[at] != prompt[at]), limit)

    def reuse(self, prompt: list[int]) -> int:
        """Keep what is shared with `prompt` and return its length."""
        self.truncate(self.shared(prompt))
        return len(self.ids)

    def truncate(self, length: int) -> None:
        del self.ids[length:]
