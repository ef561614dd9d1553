"""From rounded matrices to the folder that ships: the kernels' layout, in shards below what code hosts refuse."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fim_lsp.lab.weights.rounding import Rounded
from fim_lsp.nn import ready
from fim_lsp.nn.checkpoint import ModelConfig

SHARD_BYTES = 47_000_000
PARTS = {"qkv": [f"self_attn.{part}_proj" for part in "qkv"], "out": ["self_attn.o_proj"]}
PARTS |= {"gate_up": ["mlp.gate_proj", "mlp.up_proj"], "down": ["mlp.down_proj"]}
NORMS = {"norm_in": "input_layernorm", "norm_mid": "post_attention_layernorm"}


def pack(
    raw: Mapping[str, Any], tensors: Mapping[str, Tensor], rounded: Mapping[str, Rounded], out: Path
) -> list[Path]:
    """Write config.json and the shards of `rounded` matrices and the other `tensors`; returns the shards' paths."""
    out.mkdir(parents=True, exist_ok=True)
    config = ModelConfig.from_dict(raw, out)
    arrays: dict[str, NDArray[Any]] = {}
    for layer in range(config.layers):
        name = f"model.layers.{layer}"
        for what, parts in PARTS.items():
            joined = _joined([rounded[f"{name}.{part}"] for part in parts], is_woven=what == "gate_up")
            bias = [tensors[key].float() for part in parts if (key := f"{name}.{part}.bias") in tensors]
            arrays |= _matrix(f"layers.{layer}.{what}", joined, torch.cat(bias) if bias else None)
        for what, theirs in NORMS.items():
            arrays[f"layers.{layer}.{what}"] = _floats(tensors[f"{name}.{theirs}.weight"])
    arrays[ready.NORM] = _floats(tensors["model.norm.weight"])
    vocabulary = {"embedding": "model.embed_tokens"} | ({} if config.tied else {"head": "lm_head"})
    for name, whole in ((name, rounded[vocabulary[name]]) for name in vocabulary):
        for n, rows in enumerate(ready.segments(config)):
            some = Rounded(whole.levels[rows.start : rows.stop], whole.step[rows.start : rows.stop], None)
            arrays |= _matrix(f"{name}.{n}", some, None)
    (out / "config.json").write_text(json.dumps({**raw, "layout": ready.LAYOUT}, indent=2) + "\n", encoding="utf-8")
    return _write(arrays, out)


def _joined(parts: list[Rounded], is_woven: bool) -> Rounded:
    """Put matrices that read the same input on top of each other, or LANES rows of each in turn."""

    def join(some: list[Tensor]) -> Tensor:
        if not is_woven:
            return torch.cat(some)
        shape = some[0].shape[1:]
        return torch.stack([one.reshape(-1, ready.LANES, *shape) for one in some], 1).reshape(-1, *shape)

    times = [part.times for part in parts if part.times is not None]
    return Rounded(
        join([part.levels for part in parts]), join([part.step for part in parts]), join(times) if times else None
    )


def _matrix(name: str, matrix: Rounded, bias: Tensor | None) -> dict[str, NDArray[Any]]:
    more = -len(matrix.levels) % ready.UNIT

    def padded(tensor: Tensor, value: int = 0) -> NDArray[Any]:
        edges = [0, 0] * (tensor.ndim - 1) + [0, more]
        return torch.nn.functional.pad(tensor, edges, value=value).numpy()

    found = {f"{name}.data": ready.laid_out(padded(matrix.levels), matrix.bits)}
    if matrix.times is not None:
        found[f"{name}.times"] = ready.laid_out_times(padded(matrix.times, 1))
    found[f"{name}.scale"] = padded(matrix.step.float())
    return found if bias is None else found | {f"{name}.bias": padded(bias)}


def _floats(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.float().numpy()


def _write(arrays: Mapping[str, NDArray[Any]], out: Path) -> list[Path]:
    groups: list[dict[str, NDArray[Any]]] = [{}]
    for name, array in _split(arrays):
        if groups[-1] and sum(one.nbytes for one in groups[-1].values()) + array.nbytes > SHARD_BYTES:
            groups.append({})
        groups[-1][name] = array
    for stale in out.glob("model*.safetensors*"):
        stale.unlink()
    names = [f"model-{n:05}-of-{len(groups):05}.safetensors" for n in range(1, len(groups) + 1)]
    for name, group in zip(names, groups, strict=True):
        ready.write(out / name, group)
    index = {array: name for name, group in zip(names, groups, strict=True) for array in group}
    text = json.dumps({"metadata": {}, "weight_map": index}, indent=0) + "\n"
    (out / "model.safetensors.index.json").write_text(text, encoding="utf-8")
    return [out / name for name in names]


def _split(arrays: Mapping[str, NDArray[Any]]) -> list[tuple[str, NDArray[Any]]]:
    for name, array in arrays.items():
        if array.nbytes > SHARD_BYTES:
            raise ValueError(f"{name} has {array.nbytes} bytes: more than a shard of {SHARD_BYTES}")
    return list(arrays.items())
