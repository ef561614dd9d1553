"""The Llama family as a trainable module; parameter names are those of a transformers folder."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fim_lsp.checkpoints.config import ModelConfig
from fim_lsp.nn.reference.transformer import rotary, rotate


class Trunk(nn.Module):
    """Embedding, layers and final norm; the mask of a batch makes it causal or bidirectional.

    `own` names rows of the embedding that are trained apart (the infiller's marks), so that the rest of the
    matrix can stay the decoder's, untouched, and need not be stored again.
    """

    cos: Tensor
    sin: Tensor

    def __init__(self, config: ModelConfig, own: tuple[int, ...] = ()):
        super().__init__()
        config.expect_llama()
        self.config, self.own = config, own
        self.embed_tokens = nn.Embedding(config.vocab, config.hidden)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.norm = RMSNorm(config.hidden, config.eps)
        self.lm_head = None if config.tied else nn.Linear(config.hidden, config.vocab, bias=False)
        self.marks = nn.Parameter(torch.zeros(len(own), config.hidden)) if own else None
        cos, sin = rotary(config, min(config.max_positions, 4096), torch.float32, torch.device("cpu"))
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self.apply(_initialise)

    def forward(self, ids: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        """Return hidden states [rows, length, hidden] of ids [rows, length] under a mask [rows, 1, length, length]."""
        x = self.embed_tokens(ids)
        if self.marks is not None:
            for row, mark in zip(self.marks, self.own, strict=True):
                x = torch.where((ids == mark)[..., None], row, x)
        cos, sin = self.cos[positions][:, None], self.sin[positions][:, None]  # [rows, 1, length, head_dim]
        for layer in self.layers:
            x = layer(x, cos, sin, mask)
        out: Tensor = self.norm(x)
        return out

    def logits(self, hidden: Tensor) -> Tensor:
        """Return [n, vocab] for hidden [n, hidden]."""
        head = self.embed_tokens.weight if self.lm_head is None else self.lm_head.weight
        logits = F.linear(hidden, head)
        if self.marks is not None:
            own = torch.tensor(self.own, device=logits.device)
            logits = logits.index_copy(1, own, F.linear(hidden, self.marks).to(logits.dtype))
        return logits


class RMSNorm(nn.Module):
    def __init__(self, width: int, eps: float):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(width)), eps

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, self.weight.shape, self.weight, self.eps)


class Layer(nn.Module):
    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = c = config
        inner, shared = c.heads * c.head_dim, c.kv_heads * c.head_dim
        self.input_layernorm = RMSNorm(c.hidden, c.eps)
        self.post_attention_layernorm = RMSNorm(c.hidden, c.eps)
        self.self_attn = nn.ModuleDict(
            {
                "q_proj": nn.Linear(c.hidden, inner, bias=c.qkv_bias),
                "k_proj": nn.Linear(c.hidden, shared, bias=c.qkv_bias),
                "v_proj": nn.Linear(c.hidden, shared, bias=c.qkv_bias),
                "o_proj": nn.Linear(inner, c.hidden, bias=False),
            }
        )
        self.mlp = nn.ModuleDict(
            {
                "gate_proj": nn.Linear(c.hidden, c.intermediate, bias=False),
                "up_proj": nn.Linear(c.hidden, c.intermediate, bias=False),
                "down_proj": nn.Linear(c.intermediate, c.hidden, bias=False),
            }
        )

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor) -> Tensor:
        rows, length, _ = x.shape
        attn, mlp = self.self_attn, self.mlp
        y = self.input_layernorm(x)
        q, k, v = (attn[f"{p}_proj"](y).view(rows, length, -1, self.config.head_dim).transpose(1, 2) for p in "qkv")
        q, k = rotate(q, cos, sin).to(v.dtype), rotate(k, cos, sin).to(v.dtype)  # [rows, heads, length, head_dim]
        group = q.shape[1] // k.shape[1]
        k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
        mixed = _attend(q, k, v, mask.to(v.dtype))
        x = x + attn["o_proj"](mixed.transpose(1, 2).reshape(rows, length, -1))
        y = self.post_attention_layernorm(x)
        out: Tensor = x + mlp["down_proj"](F.silu(mlp["gate_proj"](y)) * mlp["up_proj"](y))
        return out


def _attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """Return softmax(qk/√d + mask)v; spelt out on a CPU: compiled, it takes half the time of the flash kernel."""
    if q.device.type != "cpu":
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    return torch.softmax(q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5 + mask, -1) @ v


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
