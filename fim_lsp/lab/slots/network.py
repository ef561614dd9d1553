"""The trunk as slots pass through it: frozen, a trained low-rank part beside each matrix (LoRA, arXiv 2106.09685)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fim_lsp.checkpoints.config import ModelConfig
from fim_lsp.checkpoints.low_rank import MASK
from fim_lsp.nn.reference.transformer import rotary, rotate

Heads = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]
Rest = Callable[[Tensor, Tensor], Tensor]
NAMES = {
    "q": "self_attn.q_proj", "k": "self_attn.k_proj", "v": "self_attn.v_proj", "o": "self_attn.o_proj",
    "gate": "mlp.gate_proj", "up": "mlp.up_proj", "down": "mlp.down_proj",
}  # fmt: skip


class Adapted(nn.Module):
    """A frozen linear layer and two trained factors beside it."""

    weight: Tensor
    bias: Tensor | None

    def __init__(self, weight: Tensor, bias: Tensor | None, rank: int):
        super().__init__()
        rows, columns = weight.shape
        self.A = nn.Parameter(torch.randn(rank, columns) / columns**0.5)
        self.B = nn.Parameter(torch.zeros(rows, rank))
        self.register_buffer("weight", weight.bfloat16(), persistent=False)
        self.register_buffer("bias", None if bias is None else bias.bfloat16(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias) + F.linear(F.linear(x, self.A.bfloat16()), self.B.bfloat16())


class LowRankLayer(nn.Module):
    """One layer; the context's keys and values come from outside."""

    def __init__(self, config: ModelConfig, tensors: dict[str, Tensor], number: int, rank: int):
        super().__init__()
        self.config, name = config, f"model.layers.{number}"
        self.parts = nn.ModuleDict(
            {
                part: Adapted(tensors[f"{name}.{theirs}.weight"], tensors.get(f"{name}.{theirs}.bias"), rank)
                for part, theirs in NAMES.items()
            }
        )
        self.norm_in = tensors[f"{name}.input_layernorm.weight"].float()
        self.norm_mid = tensors[f"{name}.post_attention_layernorm.weight"].float()

    def heads(self, x: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries, keys and values [heads, slots, head_dim]."""
        y = _norm(x, self.norm_in, self.config.eps)
        q, k, v = (self._part(part, y).view(len(x), -1, self.config.head_dim).transpose(0, 1) for part in "qkv")
        return rotate(q, cos, sin).bfloat16(), rotate(k, cos, sin).bfloat16(), v

    def _part(self, name: str, x: Tensor) -> Tensor:
        out: Tensor = self.parts[name](x)
        return out

    def rest(self, x: Tensor, mixed: Tensor) -> Tensor:
        """Return what comes out of the layer, given what its slots attended to."""
        x = x + self._part("o", mixed)
        y = _norm(x, self.norm_mid, self.config.eps)
        return x + self._part("down", F.silu(self._part("gate", y)) * self._part("up", y))


class SlotNetwork(nn.Module):
    """All layers, the vector of an unknown token, and the frozen vocabulary."""

    def __init__(self, config: ModelConfig, tensors: dict[str, Tensor], rank: int):
        super().__init__()
        config.expect_llama()
        self.config = config
        self.blocks = [LowRankLayer(config, tensors, number, rank) for number in range(config.layers)]
        self.layers = nn.ModuleList(self.blocks)
        self.steps: list[tuple[Heads, Rest]] = [(block.heads, block.rest) for block in self.blocks]
        self.norm = tensors["model.norm.weight"].float()
        self.vocabulary = tensors["model.embed_tokens.weight"].bfloat16()
        self.mask = nn.Parameter(self.vocabulary.float().mean(0))
        self.cos, self.sin = rotary(config, 4096, torch.bfloat16, torch.device("cpu"))

    def forward(
        self,
        ids: Tensor,
        positions: Tensor,
        groups: Sequence[tuple[int, int, Tensor]],
        context: Sequence[Sequence[tuple[Tensor, Tensor]]],
    ) -> Tensor:
        """Return states [slots, hidden]: `groups` are (first slot, end, mask) of each row's slots, one after another.

        `context`: keys and values [kv_heads, tokens, head_dim] of each row, of each layer.
        """
        x = torch.where((ids < 0)[:, None], self.mask, self.vocabulary[ids.clamp_min(0)].float()).bfloat16()
        cos, sin, shared = self.cos[positions], self.sin[positions], self.config.heads // self.config.kv_heads
        for (heads, rest), rows in zip(self.steps, context, strict=True):
            q, k, v = heads(x, cos, sin)
            mixed = []
            for (first, end, mask), (keys, values) in zip(groups, rows, strict=True):
                seen = torch.cat((keys, k[:, first:end]), 1).repeat_interleave(shared, 0)
                said = torch.cat((values, v[:, first:end]), 1).repeat_interleave(shared, 0)
                one = F.scaled_dot_product_attention(q[None, :, first:end], seen[None], said[None], attn_mask=mask)
                mixed.append(one[0].transpose(0, 1).flatten(1))
            x = rest(x, torch.cat(mixed))
        return _norm(x, self.norm, self.config.eps)

    def compile_layers(self) -> None:
        """Compile what a layer does before and behind its attention, for slots of always the same number."""
        self.steps = [
            (torch.compile(block.heads, dynamic=False), torch.compile(block.rest, dynamic=False))
            for block in self.blocks
        ]

    def trained(self) -> dict[str, Tensor]:
        """Return what is trained, by the names of checkpoints/low_rank.py."""
        found: dict[str, Tensor] = {MASK: self.mask}
        for name, one in self.layers.named_parameters():
            number, _, part, factor = name.split(".")
            found[f"layers.{number}.{part}.{factor}"] = one
        return found


def _norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    return F.rms_norm(x.float(), x.shape[-1:], weight, eps).bfloat16()
