"""From rounded matrices to the folder that ships: the kernels' layout, in shards below what code hosts refuse."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fim_lsp.checkpoints import ready
from fim_lsp.checkpoints.config import LAYOUT, ModelConfig
from fim_lsp.lab.weights.rounding import Rounded

INDEX = "model.safetensors.index.json"
SHARD_BYTES = 47_000_000
PARTS = {"qkv": [f"self_attn.{part}_proj" for part in "qkv"], "out": ["self_attn.o_proj"]}
PARTS |= {"gate_up": ["mlp.gate_proj", "mlp.up_proj"], "down": ["mlp.down_proj"]}
NORMS = {"norm_in": "input_layernorm", "norm_mid": "post_attention_layernorm"}


def pack(
    raw: Mapping[str, Any],
    tensors: Mapping[str, Tensor],
    rounded: Mapping[str, Rounded],
    out: Path,
    pieces: Sequence[int] = (),
) -> list[Path]:
    """Write config.json and the shards of `rounded` matrices and the other `tensors`; returns the shards' paths.

    `pieces` are the rows of each piece of the vocabulary, each in a file of its own: one piece by default. With fewer
    rows than the embedding has, the others are left out.
    """
    out.mkdir(parents=True, exist_ok=True)
    config = ModelConfig.from_dict(raw, out)
    pieces = pieces or [config.vocab]
    groups = {f"layers-{n}": group for n, group in enumerate(_grouped(_layers(config, tensors, rounded)), 1)}
    for stale in out.glob("*.safetensors"):
        stale.unlink()
    (out / INDEX).unlink(missing_ok=True)
    return _write(groups, out) + pack_vocabulary(raw, rounded, out, pieces)


def pack_vocabulary(
    raw: Mapping[str, Any], rounded: Mapping[str, Rounded], out: Path, pieces: Sequence[int]
) -> list[Path]:
    """Write the files of embedding and head and what config.json and the index say of them; returns their paths."""
    is_tied = ModelConfig.from_dict(raw, out).tied
    groups: dict[str, dict[str, NDArray[Any]]] = {}
    for name, theirs in (("embedding", "model.embed_tokens"), ("head", "lm_head"))[: 1 if is_tied else 2]:
        whole, first = rounded[theirs], 0
        for n, rows in enumerate(pieces):
            some = Rounded(whole.levels[first : first + rows], whole.step[first : first + rows], None)
            groups[f"{name}-{n}"] = _matrix(f"{name}.{n}", some, None)
            first += rows
    config = {**raw, "layout": LAYOUT, "vocab_size": sum(pieces)}
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    return _write(groups, out)


def _layers(
    config: ModelConfig, tensors: Mapping[str, Tensor], rounded: Mapping[str, Rounded]
) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    for layer in range(config.layers):
        name = f"model.layers.{layer}"
        for what, parts in PARTS.items():
            joined = _joined([rounded[f"{name}.{part}"] for part in parts], is_woven=what == "gate_up")
            bias = [tensors[key].float() for part in parts if (key := f"{name}.{part}.bias") in tensors]
            arrays |= _matrix(f"layers.{layer}.{what}", joined, torch.cat(bias) if bias else None)
        for what, theirs in NORMS.items():
            arrays[f"layers.{layer}.{what}"] = _floats(tensors[f"{name}.{theirs}.weight"])
    return arrays | {ready.NORM: _floats(tensors["model.norm.weight"])}


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


def _grouped(arrays: Mapping[str, NDArray[Any]]) -> list[dict[str, NDArray[Any]]]:
    """Return arrays in groups that a shard can hold."""
    groups: list[dict[str, NDArray[Any]]] = [{}]
    for name, array in arrays.items():
        if groups[-1] and sum(one.nbytes for one in groups[-1].values()) + array.nbytes > SHARD_BYTES:
            groups.append({})
        groups[-1][name] = array
    return groups


def _write(groups: Mapping[str, Mapping[str, NDArray[Any]]], out: Path) -> list[Path]:
    for name, group in groups.items():
        if (size := sum(one.nbytes for one in group.values())) > SHARD_BYTES:
            raise ValueError(f"{name} has {size} bytes, more than a shard of {SHARD_BYTES}: give more pieces")
        ready.write(out / f"{name}.safetensors", group)
    before = json.loads((out / INDEX).read_text(encoding="utf-8"))["weight_map"] if (out / INDEX).is_file() else {}
    index = before | {array: f"{name}.safetensors" for name, group in groups.items() for array in group}
    text = json.dumps({"metadata": {}, "weight_map": index}, indent=0) + "\n"
    (out / INDEX).write_text(text, encoding="utf-8")
    return [out / f"{name}.safetensors" for name in groups]
