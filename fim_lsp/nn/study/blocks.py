"""A Transformer block as all three attention models use it: self-attention, cross-attention if any, feed-forward."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Seen(NamedTuple):
    """Keys and values that can be looked at, each [rows, heads, seen, head_dim]."""

    keys: Tensor
    values: Tensor

    def then(self, more: Seen) -> Seen:
        """Append what was read later."""
        return Seen(torch.cat((self.keys, more.keys), 2), torch.cat((self.values, more.values), 2))


class Attention(nn.Module):
    """Several heads side by side, softmax(Q Kᵀ / √d) V (arXiv 1706.03762)."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.query, self.out = nn.Linear(width, width), nn.Linear(width, width)
        self.key, self.value = nn.Linear(width, width), nn.Linear(width, width)

    def read(self, x: Tensor) -> Seen:
        """Return keys and values of x [rows, length, width]."""
        return Seen(self._split(self.key(x)), self._split(self.value(x)))

    def forward(self, x: Tensor, seen: Seen, mask: Tensor | None) -> Tensor:
        """Look from x [rows, length, width] at what was read; `mask` is added or boolean, None lets all be seen."""
        mask = mask.to(x.dtype) if mask is not None and mask.is_floating_point() else mask
        mixed = F.scaled_dot_product_attention(self._split(self.query(x)), *seen, attn_mask=mask)
        out: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return out

    def _split(self, x: Tensor) -> Tensor:
        rows, length, width = x.shape
        return x.view(rows, length, self.heads, width // self.heads).transpose(1, 2)  # [rows, heads, length, head_dim]


class Block(nn.Module):
    """Pre-norm self-attention and feed-forward; both also return what later tokens can look back at."""

    def __init__(self, width: int, inner: int, heads: int):
        super().__init__()
        self.norm_self, self.attend = nn.LayerNorm(width), Attention(width, heads)
        self.norm_mlp, self.up, self.down = nn.LayerNorm(width), nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, x: Tensor, mask: Tensor | None, past: Seen | None = None) -> tuple[Tensor, Seen]:
        x, seen = self.attend_within(x, mask, past)
        return self.think(x), seen

    def attend_within(self, x: Tensor, mask: Tensor | None, past: Seen | None) -> tuple[Tensor, Seen]:
        """Add what the tokens find among themselves and the past."""
        y = self.norm_self(x)
        seen = self.attend.read(y) if past is None else past.then(self.attend.read(y))
        return x + self.attend(y, seen, mask), seen

    def think(self, x: Tensor) -> Tensor:
        """Add what each token makes of it by itself."""
        out: Tensor = x + self.down(F.gelu(self.up(self.norm_mlp(x))))
        return out


def through(
    blocks: Iterable[nn.Module], x: Tensor, mask: Tensor | None, past: Sequence[Seen] | None
) -> tuple[Tensor, list[Seen]]:
    """Return x after all blocks, and what each of them lets later tokens look back at."""
    kept = []
    for number, block in enumerate(blocks):
        x, seen = block(x, mask, past[number] if past else None)
        kept.append(seen)
    return x, kept


class CrossBlock(Block):
    """A block that between the two also looks at another text's keys and values."""

    def __init__(self, width: int, inner: int, heads: int):
        super().__init__(width, inner, heads)
        self.norm_cross, self.cross = nn.LayerNorm(width), Attention(width, heads)

    def across(
        self, x: Tensor, mask: Tensor | None, past: Seen | None, memory: Seen, memory_mask: Tensor | None
    ) -> tuple[Tensor, Seen]:
        x, seen = self.attend_within(x, mask, past)
        return self.think(x + self.cross(self.norm_cross(x), memory, memory_mask)), seen


def back(length: int, device: torch.device) -> Tensor:
    """Return the causal mask [length, length], True where a place may look."""
    return torch.ones(length, length, dtype=torch.bool, device=device).tril()


def sinusoids(length: int, width: int) -> Tensor:
    """Return positions [length, width] as sines and cosines of geometric wavelengths (arXiv 1706.03762, 3.5)."""
    rates = 10_000.0 ** (-torch.arange(0, width, 2) / width)
    angles = torch.outer(torch.arange(length).float(), rates)
    return torch.stack((angles.sin(), angles.cos()), -1).flatten(1)
