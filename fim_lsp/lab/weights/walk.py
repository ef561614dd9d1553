"""All layers over many prompts, one layer after another, so that each matrix can be changed with its inputs at hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from fim_lsp.checkpoints.config import ModelConfig
from fim_lsp.lab.weights.prompts import CalibrationRow
from fim_lsp.nn.reference.transformer import rotary, rotate

Visit = Callable[[str, Tensor], Tensor]  # a matrix' name and its inputs [tokens, columns] → the weight to go on with


class State(NamedTuple):
    """Prompts one after another on their way through the layers."""

    x: Tensor  # [tokens, hidden]
    cos: Tensor  # [tokens, head_dim]
    sin: Tensor
    lengths: list[int]  # of the prompts


class Walk:
    """A decoder's tensors, and a way through its layers in bfloat16."""

    def __init__(self, config: ModelConfig, tensors: dict[str, Tensor]):
        config.expect_llama()
        self.config, self.tensors = config, tensors

    def begin(self, prompts: Sequence[CalibrationRow]) -> State:
        """Return what goes into the first layer."""
        lengths = [len(prompt.ids) for prompt in prompts]
        positions = torch.cat([torch.arange(length) for length in lengths])
        cos, sin = (one[positions] for one in rotary(self.config, max(lengths), torch.bfloat16, torch.device("cpu")))
        ids = torch.tensor([token for prompt in prompts for token in prompt.ids])
        return State(self.tensors["model.embed_tokens.weight"][ids].bfloat16(), cos, sin, lengths)

    def layer(self, number: int, state: State, visit: Visit | None = None) -> State:
        """Return what comes out of a layer, `visit` asked at each of its matrices."""
        x, name = state.x, f"model.layers.{number}"
        y = self._norm(f"{name}.input_layernorm", x)
        q, k, v = (self._linear(f"{name}.self_attn.{part}_proj", y, visit) for part in "qkv")
        mixed = self._attend(q, k, v, state.cos, state.sin, state.lengths)
        x = x + self._linear(f"{name}.self_attn.o_proj", mixed, visit)
        y = self._norm(f"{name}.post_attention_layernorm", x)
        gate, up = (self._linear(f"{name}.mlp.{part}_proj", y, visit) for part in ("gate", "up"))
        return state._replace(x=x + self._linear(f"{name}.mlp.down_proj", F.silu(gate) * up, visit))

    def hidden(self, prompts: Sequence[CalibrationRow]) -> Tensor:
        """Return the states before the head [tokens, hidden]."""
        state = self.begin(prompts)
        for number in range(self.config.layers):
            state = self.layer(number, state)
        return self._norm("model.norm", state.x)

    def losses(self, prompts: Sequence[CalibrationRow]) -> Tensor:
        """Return the loss of every token that is to be said, in nats."""
        hidden, at, losses = self.hidden(prompts), 0, []
        head = self.tensors["model.embed_tokens.weight" if self.config.tied else "lm_head.weight"].bfloat16()
        for prompt in prompts:
            at += len(prompt.ids)
            logits = F.linear(hidden[at - prompt.middle - 1 : at - 1], head).float()
            losses.append(F.cross_entropy(logits, torch.tensor(prompt.ids[-prompt.middle :]), reduction="none"))
        return torch.cat(losses)

    def _norm(self, name: str, x: Tensor) -> Tensor:
        weight = self.tensors[f"{name}.weight"].float()
        return F.rms_norm(x.float(), weight.shape, weight, self.config.eps).bfloat16()

    def _linear(self, name: str, x: Tensor, visit: Visit | None) -> Tensor:
        weight = visit(name, x) if visit else self.tensors[f"{name}.weight"]
        bias = self.tensors.get(f"{name}.bias")
        return F.linear(x, weight.bfloat16(), None if bias is None else bias.bfloat16())

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, cos: Tensor, sin: Tensor, lengths: list[int]) -> Tensor:
        """Return causal attention within each prompt, [tokens, heads × head_dim]."""
        c = self.config
        q, k, v = (one.view(len(one), -1, c.head_dim).transpose(0, 1) for one in (q, k, v))  # [heads, tokens, head_dim]
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        group = c.heads // c.kv_heads
        out = [
            F.scaled_dot_product_attention(
                a[None], b.repeat_interleave(group, 0)[None], d.repeat_interleave(group, 0)[None], is_causal=True
            )[0].transpose(0, 1).flatten(1)
            for a, b, d in zip(*(torch.split(one, lengths, 1) for one in (q, k, v)), strict=True)
        ]  # fmt: skip
        return torch.cat(out)
