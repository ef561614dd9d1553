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

from fim_lsp.checkpoints import packing, ready
from fim_lsp.checkpoints.config import LAYOUT, ModelConfig
from fim_lsp.checkpoints.packing import INDEX, PARTS, VOCABULARY, WOVEN, LevelRows
from fim_lsp.lab.weights.rounding import Rounded

SHARD_BYTES = 47_000_000


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
    for name, theirs in list(VOCABULARY.items())[: 1 if is_tied else 2]:
        whole, first = _rows(rounded[theirs]), 0
        for n, rows in enumerate(pieces):
            some = LevelRows(whole.levels[first : first + rows], whole.step[first : first + rows], None)
            groups[f"{name}-{n}"] = packing.arrays(f"{name}.{n}", some)
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
            joined = packing.joined([_rows(rounded[f"{name}.{part}"]) for part in parts], is_woven=what == WOVEN)
            bias = [tensors[key].float() for part in parts if (key := f"{name}.{part}.bias") in tensors]
            arrays |= packing.arrays(f"layers.{layer}.{what}", joined, torch.cat(bias).numpy() if bias else None)
        arrays |= {one.name: _floats(tensors[one.theirs]) for one in ready.vectors(config, layer)}
    return arrays | {one.name: _floats(tensors[one.theirs]) for one in ready.vectors(config, config.layers)}


def _rows(matrix: Rounded) -> LevelRows:
    times = None if matrix.times is None else matrix.times.numpy()
    return LevelRows(matrix.levels.numpy(), matrix.step.float().numpy(), times)


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
    return [packing.write_file(out, name, group) for name, group in groups.items()]
