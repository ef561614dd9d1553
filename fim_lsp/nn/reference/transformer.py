"""A lean forward pass of Llama (arXiv 2302.13971) and of what varies it as architectures.py says: the twin of engine.c.

One sequence at a time, rows of tokens [tokens, hidden]; checked against transformers in tests/unit/nn. `Decoder` looks
back only; `TorchEncoder` looks both ways, over the same layers. Where nn/native has no kernels, and on a GPU, this
computes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from fim_lsp.checkpoints.architectures import GELU, GELU_EXACT, SILU
from fim_lsp.checkpoints.canonical import POSITIONS, feed_in
from fim_lsp.checkpoints.config import ModelConfig, read_config
from fim_lsp.checkpoints.files import Floats
from fim_lsp.nn.encoder import Encoder, Ended
from fim_lsp.nn.reference.kv_cache import KVCache
from fim_lsp.nn.reference.quant import Embedding, Linear, pick_device, pick_dtype
from fim_lsp.nn.reference.tensors import read_tensors

AttentionMask = (
    str | NDArray[np.bool_]
)  # whom a new token sees: "all", those before it ("back"), or where [new, all] is true
Look = str | Tensor  # the same, the mask on the device
ACTIVATE: dict[str, Callable[[Tensor], Tensor]] = {
    SILU: F.silu,
    GELU: partial(F.gelu, approximate="tanh"),
    GELU_EXACT: F.gelu,
}


class Layers:
    """A stack of layers over one sequence whose keys and values are cached; `from_folder` is the way in."""

    def __init__(self, config: ModelConfig, tensors: dict[str, Tensor], dtype: torch.dtype, device: torch.device):
        self.config, self.dtype, self.device = config, dtype, device
        weights = _Weights(tensors, dtype, device)
        self.embedding = Embedding(weights.part("model.embed_tokens"), dtype, device)
        self.head = self.embedding if config.tied else Embedding(weights.part("lm_head"), dtype, device)
        self.norm = _Norm(config, weights, "model.norm", config.variant.logits_factor)
        self.learned = weights.vector(POSITIONS) if config.variant.has_positions else None
        self.blocks = [_Block(config, weights, f"model.layers.{n}") for n in range(config.layers)]
        self.cos, self.sin = rotary(config, config.positions, dtype, device)

    @classmethod
    def from_folder(cls, folder: Path, dtype: torch.dtype | None = None, device: torch.device | None = None) -> Self:
        """Load a safetensors folder; raises ModelMissing, ModelCorrupt, ModelMismatch."""
        config = read_config(folder)
        device = device or pick_device()
        return cls(config, read_tensors(folder), dtype or pick_dtype(device), device)

    def new_cache(self, capacity: int) -> KVCache:
        return KVCache(self.config, min(capacity, len(self.cos)), self.dtype, self.device)

    @torch.inference_mode()
    def run(
        self,
        ids: Sequence[int],
        positions: Sequence[int],
        cache: KVCache,
        start: int,
        seen: AttentionMask,
        is_over: Callable[[], bool] | None = None,
    ) -> Tensor:
        """Return hidden states [ids, hidden]; their keys and values go into the cache from `start` on."""
        if start + len(ids) > cache.capacity:
            raise ValueError(f"{start + len(ids)} tokens do not fit a cache of {cache.capacity}")
        x = self.embedding.rows(torch.tensor(ids, device=self.device)) * self.config.variant.embedding_factor
        look = seen if isinstance(seen, str) else torch.from_numpy(seen).to(self.device)
        window = self.config.variant.window or self.config.positions
        if look == "back" and ((start and len(ids) > 1) or start + len(ids) > window):
            look = _mask(start, start + len(ids), window, self.device)
        at = torch.tensor(positions, device=self.device)
        if self.learned is not None:
            x = x + self.learned[at]
        cos, sin = self.cos[at], self.sin[at]
        for block, keys, values in zip(self.blocks, cache.keys, cache.values, strict=True):
            if is_over and is_over():
                raise Ended
            x = block(x, cos, sin, keys, values, start, look)
        return x

    @torch.inference_mode()
    def logits(self, x: Tensor) -> Floats:
        """Return float32 [rows, vocab] for hidden states [rows, hidden]."""
        found = self.head.logits(self.norm(x))
        return np.asarray(found.float().cpu())


class Decoder(Layers):
    """A causal language model."""

    def forward(self, ids: list[int], cache: KVCache, rows: int = 1) -> Floats:
        """Append `ids` to the cached sequence and return the logits after the last `rows` of them, [rows, vocab]."""
        start = len(cache)
        x = self.run(ids, range(start, start + len(ids)), cache, start, "back")
        cache.ids.extend(ids)
        return self.logits(x[-rows:])


class TorchEncoder(Encoder, Layers):
    """A masked language model."""


class _Weights:
    """Hand out a checkpoint's tensors by name, brought to a kind and a device."""

    def __init__(self, tensors: dict[str, Tensor], dtype: torch.dtype, device: torch.device):
        self.tensors, self.dtype, self.device = tensors, dtype, device

    def vector(self, name: str, kind: str = "weight") -> Tensor:
        return self.tensors[f"{name}.{kind}"].to(self.device, self.dtype)

    def part(self, name: str) -> dict[str, Tensor]:
        found = {kind: self.tensors[f"{name}.{kind}"] for kind in ("scale", "bias") if f"{name}.{kind}" in self.tensors}
        return {"weight": self.tensors[f"{name}.weight"], **found}

    def linear(self, *names: str) -> Linear:
        return Linear.build([self.part(name) for name in names], self.dtype, self.device)


class _Norm:
    """RMSNorm (arXiv 1910.07467), or LayerNorm (arXiv 1607.06450) of a model that centres."""

    def __init__(self, config: ModelConfig, weights: _Weights, name: str, factor: float = 1.0):
        self.eps, self.weight = config.eps, weights.vector(name) * factor
        self.bias = weights.vector(name, "bias") * factor if config.variant.is_centred else None

    def __call__(self, x: Tensor) -> Tensor:
        width = (x.shape[-1],)
        if self.bias is None:
            return F.rms_norm(x, width, self.weight, self.eps)
        return F.layer_norm(x, width, self.weight, self.bias, self.eps)


class _Block:
    def __init__(self, config: ModelConfig, weights: _Weights, name: str):
        self.config = config
        self.norm_in = _Norm(config, weights, f"{name}.input_layernorm")
        self.norm_mid = _Norm(config, weights, f"{name}.post_attention_layernorm")
        self.of_heads = [weights.vector(f"{name}.self_attn.{p}_norm") for p in "qk" if config.variant.has_head_norms]
        self.qkv = weights.linear(*(f"{name}.self_attn.{p}_proj" for p in "qkv"))
        self.out = weights.linear(f"{name}.self_attn.o_proj")
        self.feed_in = weights.linear(*(f"{name}.{part}" for part in feed_in(config)))
        self.down = weights.linear(f"{name}.mlp.down_proj")

    def __call__(
        self, x: Tensor, cos: Tensor, sin: Tensor, keys: Tensor, values: Tensor, start: int, look: Look
    ) -> Tensor:
        c = self.config
        tokens = len(x)
        qkv = self.qkv(self.norm_in(x))
        heads = qkv.view(tokens, c.heads + 2 * c.kv_heads, c.head_dim).transpose(0, 1)  # [heads, tokens, head_dim]
        turned = heads[: c.heads + c.kv_heads]
        if self.of_heads:
            normed = zip((turned[: c.heads], turned[c.heads :]), self.of_heads, strict=True)
            turned = torch.cat([F.rms_norm(some, (c.head_dim,), weight, c.eps) for some, weight in normed])
        turned = torch.cat((rotate(turned[..., : c.rotary], cos, sin), turned[..., c.rotary :]), dim=-1)
        keys[:, start : start + tokens] = turned[c.heads :]
        values[:, start : start + tokens] = heads[c.heads + c.kv_heads :]
        seen = slice(0, start + tokens)
        mixed = _attend(turned[: c.heads], keys[:, seen], values[:, seen], look, c.attention_factor)
        after = x + self.out(mixed)
        inner = self.feed_in(self.norm_mid(x if c.variant.is_parallel else after))
        act = ACTIVATE[c.variant.activation]
        if not c.variant.is_gated:
            return after + self.down(act(inner))
        gate, up = inner.chunk(2, dim=-1)
        return after + self.down(act(gate) * up)


def _attend(q: Tensor, k: Tensor, v: Tensor, look: Look, factor: float) -> Tensor:
    """Grouped-query attention: q [heads, tokens, d], k and v [kv_heads, seen, d] → [tokens, heads * d]."""
    heads, tokens, d = q.shape
    mask = look if isinstance(look, Tensor) else None
    if tokens == 1 and mask is None:  # one query a head: two small products beat the fused kernel's set-up
        q = q.reshape(k.shape[0], -1, d)  # [kv_heads, group, d]
        weights = torch.softmax((q @ k.transpose(1, 2)) * factor, dim=-1, dtype=torch.float32).to(v.dtype)
        return (weights @ v).reshape(1, heads * d)
    group = heads // k.shape[0]
    k, v = k.repeat_interleave(group, 0), v.repeat_interleave(group, 0)
    is_causal = mask is None and look == "back"
    mixed = F.scaled_dot_product_attention(q[None], k[None], v[None], attn_mask=mask, is_causal=is_causal, scale=factor)
    return mixed[0].transpose(0, 1).reshape(tokens, heads * d)


def _mask(start: int, end: int, window: int, device: torch.device) -> Tensor:
    """True where a new token [end - start] may look at a cached one [end]."""
    return torch.ones(end - start, end, dtype=torch.bool, device=device).tril(start).triu(start - window + 1)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions (arXiv 2104.09864), halves paired as in Llama: x [heads, tokens, rotary]."""
    half = x.shape[-1] // 2
    return x * cos + torch.cat((-x[..., half:], x[..., :half]), dim=-1) * sin


def rotary(config: ModelConfig, length: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return cos and sin [length, rotary]."""
    turns = torch.from_numpy(config.rope_frequencies).float()
    angles = torch.outer(torch.arange(length, dtype=torch.float32), turns)
    angles = torch.cat((angles, angles), dim=-1)
    return angles.cos().to(device, dtype), angles.sin().to(device, dtype)
