"""Keys and values of one token sequence, kept between requests so that typing only appends."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from fim_lsp.checkpoints.config import ModelConfig
from fim_lsp.nn.token_cache import TokenCache


class KVCache(TokenCache):
    """Preallocated K and V of every layer, [layers, kv_heads, capacity, head_dim], and the ids they stand for."""

    def __init__(self, config: ModelConfig, capacity: int, dtype: torch.dtype, device: torch.device):
        super().__init__(capacity)
        shape = (config.layers, config.kv_heads, capacity, config.head_dim)
        self.keys: Tensor = torch.zeros(shape, dtype=dtype, device=device)
        self.values: Tensor = torch.zeros(shape, dtype=dtype, device=device)

    @property
    def nbytes(self) -> int:
        return self.keys.nbytes + self.values.nbytes

    def make_room(self, capacity: int) -> None:
        if (more := capacity - self.capacity) > 0:
            self.keys, self.values = (F.pad(kept, (0, 0, 0, more)) for kept in (self.keys, self.values))
            self.capacity = capacity
