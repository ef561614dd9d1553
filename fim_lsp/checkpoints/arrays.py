"""Checkpoints as numpy arrays over the files' own pages: nothing is copied, and torch is not needed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from fim_lsp.checkpoints import ready
from fim_lsp.checkpoints.config import EMBEDDING, ModelConfig, read_config, read_raw_config, shards
from fim_lsp.checkpoints.marks import Marks
from fim_lsp.errors import ModelCorrupt

STORED = {
    "U8": np.uint8,
    "I8": np.int8,
    "F32": np.float32,
    "F16": np.float16,
    "BF16": np.uint16,
}  # numpy has no bfloat16: its bits

Floats = NDArray[np.float32]


class Stored(NamedTuple):
    """An array as its file has it; of BF16 only the bits."""

    kind: str
    array: NDArray[Any]

    def floats(self) -> Floats:
        if self.kind == "BF16":
            return np.ascontiguousarray(self.array.astype(np.uint32) << 16).view(np.float32)
        return np.ascontiguousarray(self.array, np.float32)


class Part(NamedTuple):
    """A linear layer: weight [out, in] of a kind, scales of its rows where it is int8, maybe a bias."""

    kind: str
    weight: NDArray[Any]
    scale: Floats | None
    bias: Floats | None


class Arrays:
    """The arrays of a model folder by name."""

    def __init__(self, stored: Mapping[str, Stored]):
        self.stored = dict(stored)

    @classmethod
    def from_folder(cls, folder: Path) -> Arrays:
        """Map a folder's files, ready ones as int8 rows; raises ModelMissing, ModelCorrupt, ModelMismatch."""
        found = stored_in(folder)
        if ready.is_ready(read_raw_config(folder)):
            found = _as_rows(read_config(folder), found, folder)
        arrays = cls(found)
        if (marks := arrays.stored.pop("marks.weight", None)) is not None:
            arrays._put_rows(list(Marks.read(read_config(folder).infill).own), marks.floats())
        return arrays

    def floats(self, name: str) -> Floats:
        """Return a vector as float32; raises ModelCorrupt."""
        return self._take(name).floats()

    def part(self, name: str) -> Part:
        """Return a linear layer; raises ModelCorrupt."""
        kind, weight = self._take(f"{name}.weight")
        scale, bias = (
            self.floats(f"{name}.{extra}").reshape(-1) if f"{name}.{extra}" in self.stored else None
            for extra in ("scale", "bias")
        )
        return Part(kind, weight, scale, bias)

    def _take(self, name: str) -> Stored:
        if name not in self.stored:
            raise ModelCorrupt(f"the weights lack {name}: the files are incomplete, copy the model folder again")
        return self.stored[name]

    def _put_rows(self, ids: list[int], rows: Floats) -> None:
        """Put an infiller's own rows into the embedding; in int8 they bring their own scale."""
        kind, weight, scale, _ = self.part(EMBEDDING)
        if kind == "I8" and scale is not None:
            mine = np.maximum(np.abs(rows).max(1) / 127, 1e-8).astype(np.float16).astype(np.float32)
            scale = scale.copy()
            scale[ids] = mine
            rows = np.clip(np.round(rows / mine[:, None]), -127, 127)
            self.stored[f"{EMBEDDING}.scale"] = Stored("F32", scale)
        else:
            kind, weight = "F32", self._take(f"{EMBEDDING}.weight").floats()
        changed = np.array(weight)
        changed[ids] = rows
        self.stored[f"{EMBEDDING}.weight"] = Stored(kind, changed)


def stacked(parts: Iterable[Part]) -> Part:
    """Put layers that read the same input on top of each other."""
    return _joined(list(parts), np.concatenate)


def interleaved(gate: Part, up: Part, lanes: int) -> Part:
    """Alternate `lanes` rows of the one with as many of the other."""

    def weave(rows: list[NDArray[Any]]) -> NDArray[Any]:
        shape = rows[0].shape[1:]
        return np.stack([one.reshape(-1, lanes, *shape) for one in rows], 1).reshape(-1, *shape)

    return _joined([gate, up], weave)


def _joined(parts: list[Part], join: Callable[[list[Any]], NDArray[Any]]) -> Part:
    kinds = {part.kind for part in parts}
    if len(kinds) > 1:
        raise ModelCorrupt(
            f"layers that belong together are stored as {sorted(kinds)}: convert the checkpoint to one type"
        )

    def both(arrays: list[Floats | None]) -> Floats | None:
        return None if arrays[0] is None else np.ascontiguousarray(join(arrays), np.float32)

    weight = join([part.weight for part in parts])
    return Part(parts[0].kind, weight, both([part.scale for part in parts]), both([part.bias for part in parts]))


def _as_rows(config: ModelConfig, stored: Mapping[str, Stored], folder: Path) -> dict[str, Stored]:
    """Return ready weights under a transformers folder's names: int8 rows with their scales, and norms."""
    found = {"model.norm.weight": Stored("F32", ready.norm(config, stored, ready.NORM, folder))}
    for layer in range(config.layers):
        for theirs, name in (("input_layernorm", "norm_in"), ("post_attention_layernorm", "norm_mid")):
            array = ready.norm(config, stored, f"layers.{layer}.{name}", folder)
            found[f"model.layers.{layer}.{theirs}.weight"] = Stored("F32", array)
    pieces: dict[str, list[Stored]] = {}
    for matrix in ready.matrices(config, stored, folder):
        for name, of in _parts(config, matrix).items():
            pieces.setdefault(f"{name}.weight", []).append(Stored("I8", ready.rows(matrix)[of]))
            pieces.setdefault(f"{name}.scale", []).append(Stored("F32", matrix.scale[of]))
            if matrix.bias is not None:
                pieces.setdefault(f"{name}.bias", []).append(Stored("F32", matrix.bias[of]))
    for name, some in pieces.items():
        whole = np.concatenate([one.array for one in some])
        is_vocabulary = name.startswith((EMBEDDING, "lm_head"))  # whose rows are padded
        found[name] = Stored(some[0].kind, whole[: config.vocab] if is_vocabulary else whole)
    return found


def _parts(config: ModelConfig, matrix: ready.Matrix) -> dict[str, NDArray[np.int64]]:
    """Return which rows of a ready matrix are which layer's of a transformers folder."""
    if not matrix.name.startswith("layers."):
        return {EMBEDDING if matrix.name.startswith("embedding") else "lm_head": np.arange(matrix.rows)}
    _, number, what = matrix.name.split(".")
    where, heads = f"model.layers.{number}", np.cumsum([0, config.heads, config.kv_heads, config.kv_heads])
    if what == "qkv":
        bounds = zip("qkv", heads * config.head_dim, heads[1:] * config.head_dim, strict=False)
        return {f"{where}.self_attn.{part}_proj": np.arange(first, last) for part, first, last in bounds}
    if what == "gate_up":
        woven = np.arange(2 * config.intermediate).reshape(-1, 2, ready.LANES)
        return {f"{where}.mlp.{part}_proj": woven[:, n].reshape(-1) for n, part in enumerate(("gate", "up"))}
    theirs = "self_attn.o_proj" if what == "out" else "mlp.down_proj"
    return {f"{where}.{theirs}": np.arange(config.hidden)}


def stored_in(folder: Path) -> dict[str, Stored]:
    """Map all arrays of a folder's files as they are; raises ModelMissing, ModelCorrupt."""
    found: dict[str, Stored] = {}
    for path in shards(folder):
        try:
            with safe_open(path, framework="np"):
                pass  # it checks the header, and that the file is whole
            raw = np.memmap(path, np.uint8, "r")
            begin = 8 + int(raw[:8].view("<u8")[0])
            header = json.loads(bytes(raw[8:begin]))
        except (SafetensorError, OSError, ValueError) as problem:
            raise ModelCorrupt(f"{path} is truncated or damaged ({problem}): copy the model folder again") from None
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            kind, (first, last) = entry["dtype"], entry["data_offsets"]
            if kind in STORED:
                part = raw[begin + first : begin + last].view(STORED[kind])
                found[name] = Stored(kind, part.reshape(entry["shape"]))
    return found
