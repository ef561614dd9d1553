"""The decoder as it ships, a trained low-rank part beside the upper layers' MLPs (LoRA, arXiv 2106.09685).

tokens ─▶ lower layers: the engine itself, frozen, 4 bits ─▶ upper layers in torch: the same weights, multiplied out
                                                             gate, up, down: W·x + B·A·x, A and B trained
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fim_lsp.checkpoints.arrays import Arrays
from fim_lsp.checkpoints.config import ModelConfig, read_config
from fim_lsp.checkpoints.files import Stored
from fim_lsp.lab.train.trunk import Layer, RMSNorm
from fim_lsp.nn.native.layers import HalfCache, NativeLayers
from fim_lsp.nn.reference.quant import dense
from fim_lsp.nn.reference.tensors import as_tensors
from fim_lsp.nn.reference.transformer import rotary

PARTS = ("gate", "up", "down")


class Lower:
    """The layers below, by the kernels that serve them: about three times as quick as torch, and what is served."""

    def __init__(self, folder: Path, layers: int):
        self.engine: NativeLayers | None = NativeLayers.from_folder(folder, layers=layers) if layers else None
        self.cache: HalfCache | None = None

    def __call__(self, embedded: Tensor, ids: Tensor, positions: Tensor) -> Tensor:
        """Return states [rows, length, hidden]; padding, at the end of a row, is left as it is."""
        if self.engine is None:
            return embedded
        rows, length = ids.shape
        out = torch.zeros(rows, length, embedded.shape[-1])
        self.cache = self.cache or self.engine.new_cache(length)
        for row in range(rows):
            count = int(positions[row].max()) + 1
            states = self.engine.run(ids[row, :count].tolist(), range(count), self.cache, 0, "back")
            out[row, :count] = torch.from_numpy(states)
        return out


class AdaptedLinear(nn.Module):
    """A frozen matrix and two trained factors beside it."""

    weight: Tensor

    def __init__(self, weight: Tensor, rank: int):
        super().__init__()
        rows, columns = weight.shape
        self.A = nn.Parameter(torch.randn(rank, columns) / columns**0.5)
        self.B = nn.Parameter(torch.zeros(rows, rank))
        self.register_buffer("weight", weight, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight) + F.linear(F.linear(x, self.A), self.B)


class AdaptedTrunk(nn.Module):
    """What lab/train/loop.py trains: the upper layers above the engine's lower ones."""

    def __init__(self, folder: Path, first: int, rank: int, dtype: torch.dtype):
        super().__init__()
        self.config: ModelConfig = read_config(folder)
        self.first, self.lower = first, Lower(folder, first)
        stored = Arrays.from_folder(folder).stored
        self.blocks = [_layer(self.config, stored, n, rank, dtype) for n in range(first, self.config.layers)]
        self.layers = nn.ModuleList(self.blocks)
        self.norm = RMSNorm(self.config.hidden, self.config.eps)
        self.norm.weight.data.copy_(_below("model.norm.", stored)["weight"])
        self.norm.requires_grad_(False)
        embedding = _below("model.embed_tokens.", stored)["weight"].to(dtype)
        head = embedding if self.config.tied else _below("lm_head.", stored)["weight"].to(dtype)
        self.register_buffer("embedding", embedding, persistent=False)
        self.register_buffer("head", head, persistent=False)
        cos, sin = rotary(self.config, min(self.config.max_positions, 4096), torch.float32, torch.device("cpu"))
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    embedding: Tensor
    head: Tensor
    cos: Tensor
    sin: Tensor

    def forward(self, ids: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        """Return hidden states [rows, length, hidden] of ids [rows, length] under a mask [rows, 1, length, length]."""
        with torch.no_grad():
            x = self.lower(self.embedding[ids].float(), ids, positions)
        cos, sin = self.cos[positions][:, None], self.sin[positions][:, None]
        for layer in self.layers:
            x = layer(x, cos, sin, mask)
        out: Tensor = self.norm(x)
        return out

    def logits(self, hidden: Tensor) -> Tensor:
        """Return [n, vocab] for hidden [n, hidden]."""
        return F.linear(hidden, self.head)

    def factors(self) -> dict[str, Tensor]:
        """Return what is trained, by the names of checkpoints/low_rank.py."""
        return {
            f"layers.{self.first + number}.{part}.{factor}": getattr(layer.mlp[f"{part}_proj"], factor)
            for number, layer in enumerate(self.blocks)
            for part in PARTS
            for factor in "AB"
        }


def _layer(config: ModelConfig, stored: Mapping[str, Stored], number: int, rank: int, dtype: torch.dtype) -> Layer:
    layer, tensors = Layer(config), _below(f"model.layers.{number}.", stored)
    layer.load_state_dict(tensors)
    layer.requires_grad_(False)
    for attention in layer.self_attn.values():
        attention.to(dtype)
    for theirs in (f"{part}_proj" for part in PARTS):
        layer.mlp[theirs] = AdaptedLinear(tensors[f"mlp.{theirs}.weight"].to(dtype), rank)
    return layer


def _below(name: str, stored: Mapping[str, Stored]) -> dict[str, Tensor]:
    """Return what is called so, in float32 by the rest of its name: not all at once, which would take two gigabytes."""
    tensors = dense(as_tensors({key: one for key, one in stored.items() if key.startswith(name)}))
    return {key.removeprefix(name): one for key, one in tensors.items()}
