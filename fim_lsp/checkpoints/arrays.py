"""Checkpoints as numpy arrays over the files' own pages: nothing is copied, and torch is not needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fim_lsp.checkpoints import ready
from fim_lsp.checkpoints.canonical import MARKS, POSITIONS, Canonical, feed_in
from fim_lsp.checkpoints.config import EMBEDDING, ModelConfig, read_config
from fim_lsp.checkpoints.files import Floats, Stored, held_in
from fim_lsp.checkpoints.marks import Marks
from fim_lsp.checkpoints.spec import ModelSpec


class TensorPart(NamedTuple):
    """A linear layer: weight [out, in] of a kind, scales of its rows where it is int8, maybe a bias."""

    kind: str
    weight: NDArray[Any]
    scale: Floats | None
    bias: Floats | None


def read_model(folder: Path) -> tuple[ModelConfig, Mapping[str, Stored]]:
    """Read what a folder says and map its arrays once they are what it says; the one way in for kernels and torch.

    They have the names of the kernels' layout, or else Llama's. Raises ModelMissing, ModelCorrupt, ModelMismatch.
    """
    config, held = read_config(folder), held_in(folder)
    spec = ModelSpec(config, folder)
    spec.check(held)
    if not config.is_ready:
        return config, Canonical(config, held)
    known = {one.name for one in spec.tensors(held)}
    return config, {name: one.mapped() for name, one in held.items() if name in known}


class Arrays:
    """The arrays of a model folder by name."""

    def __init__(self, stored: Mapping[str, Stored]):
        self.stored = dict(stored)

    @classmethod
    def from_folder(cls, folder: Path) -> Arrays:
        """Map a folder's files, ready ones as int8 rows; raises ModelMissing, ModelCorrupt, ModelMismatch."""
        return cls.of(*read_model(folder))

    @classmethod
    def of(cls, config: ModelConfig, stored: Mapping[str, Stored]) -> Arrays:
        """Take what `read_model` returned, an infiller's own rows put where they belong."""
        arrays = cls(_as_rows(config, stored) if config.is_ready else stored)
        if (marks := arrays.stored.pop(f"{MARKS}.weight", None)) is not None:
            arrays._put_rows(list(Marks.read(config.infill).own), marks.floats())
        return arrays

    def floats(self, name: str) -> Floats:
        """Return a vector as float32."""
        return self.stored[name].floats()

    def part(self, name: str) -> TensorPart:
        """Return a linear layer."""
        kind, weight = self.stored[f"{name}.weight"]
        scale, bias = (
            self.floats(f"{name}.{extra}").reshape(-1) if f"{name}.{extra}" in self.stored else None
            for extra in ("scale", "bias")
        )
        return TensorPart(kind, weight, scale, bias)

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
            kind, weight = "F32", self.stored[f"{EMBEDDING}.weight"].floats()
        changed = np.array(weight)
        changed[ids] = rows
        self.stored[f"{EMBEDDING}.weight"] = Stored(kind, changed)


def stacked(parts: Iterable[TensorPart]) -> TensorPart:
    """Put layers that read the same input on top of each other."""
    return _joined(list(parts), np.concatenate)


def interleaved(gate: TensorPart, up: TensorPart, lanes: int) -> TensorPart:
    """Alternate `lanes` rows of the one with as many of the other."""

    def weave(rows: list[NDArray[Any]]) -> NDArray[Any]:
        shape = rows[0].shape[1:]
        return np.stack([one.reshape(-1, lanes, *shape) for one in rows], 1).reshape(-1, *shape)

    return _joined([gate, up], weave)


def _joined(parts: list[TensorPart], join: Callable[[list[Any]], NDArray[Any]]) -> TensorPart:

    def both(arrays: list[Floats | None]) -> Floats | None:
        return None if arrays[0] is None else np.ascontiguousarray(join(arrays), np.float32)

    weight = join([part.weight for part in parts])
    return TensorPart(parts[0].kind, weight, both([part.scale for part in parts]), both([part.bias for part in parts]))


def _as_rows(config: ModelConfig, stored: Mapping[str, Stored]) -> dict[str, Stored]:
    """Return ready weights under a transformers folder's names: int8 rows with their scales, and norms."""
    found = {vector.theirs: stored[vector.name] for vector in ready.vectors(config)}
    if config.variant.has_positions:
        found[f"{POSITIONS}.weight"] = stored[ready.POSITIONS]
    pieces: dict[str, list[Stored]] = {}
    for matrix in ready.matrices(config, stored):
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
    if what == "gate_up" and len(feed_in(config)) == 1:
        return {f"{where}.{feed_in(config)[0]}": np.arange(config.intermediate)}
    if what == "gate_up":
        woven = np.arange(2 * config.intermediate).reshape(-1, 2, ready.LANES)
        return {f"{where}.mlp.{part}_proj": woven[:, n].reshape(-1) for n, part in enumerate(("gate", "up"))}
    theirs = "self_attn.o_proj" if what == "out" else "mlp.down_proj"
    return {f"{where}.{theirs}": np.arange(config.hidden)}
