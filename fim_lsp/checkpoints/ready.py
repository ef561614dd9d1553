"""Weights as the kernels read them (engine.h), in safetensors files that are mapped: the shipped decoder comes so.

A matrix is `NAME.data` with, of 4 bits, `NAME.times`; then `NAME.scale` [rows] and maybe `NAME.bias` [rows]. Row r,
column c of 4 bits is scale[r] · times[r, c // 32] · level[r, c]; the two last make an int8, so that whatever reads
int8 rows with a scale can read these (`rows`). Where a model has no gates, `gate_up` is up alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fim_lsp.checkpoints.config import LAYOUT, ModelConfig
from fim_lsp.checkpoints.files import Stored

LANES, UNIT, STEP, PART = 16, 32, 64, 32  # of engine.h
LINE = 64  # bytes: where an array may begin
OF_LAYER = ("qkv", "out", "gate_up", "down")  # the matrices of a layer, in the engine's order
IN_LAYER = {  # its vectors, in the engine's order, and transformers' name of each
    "norm_in": "input_layernorm.weight",
    "norm_mid": "post_attention_layernorm.weight",
    "norm_in_bias": "input_layernorm.bias",
    "norm_mid_bias": "post_attention_layernorm.bias",
    "norm_q": "self_attn.q_norm.weight",
    "norm_k": "self_attn.k_norm.weight",
}
HEAD_NORMS = ("norm_q", "norm_k")
LAST = {"norm": "model.norm.weight", "norm_bias": "model.norm.bias"}
POSITIONS = "positions"  # float [positions, hidden] of a model that learned them
SEGMENTS = 8  # pieces of embedding and head at most: a file that may be shipped does not hold either whole

Bytes = NDArray[np.uint8]


class Matrix(NamedTuple):
    """One matrix in the kernels' layout; `rows` are padded to UNIT."""

    name: str
    bits: int
    rows: int
    columns: int
    data: Bytes  # [rows / 32, 4 columns, 32 rows, 4] of 8 bits; two such fours in a byte of 4 bits
    times: Bytes | None  # [rows / 32, columns / 32, 32]
    scale: NDArray[np.float32]  # [rows]
    bias: NDArray[np.float32] | None


class Vector(NamedTuple):
    """The weight or the bias of a norm: the engine's number for it, and its name in a transformers folder."""

    name: str
    place: int
    length: int
    theirs: str


def is_ready(raw: Mapping[str, Any]) -> bool:
    """True for the config.json of weights in this layout."""
    return raw.get("layout") == LAYOUT


def unfit(config: ModelConfig) -> str:
    """Say why the kernels cannot run a model; empty when they can."""
    widths = config.hidden, config.intermediate, config.heads * config.head_dim
    if any(width % STEP for width in widths):
        return f"widths {widths} are not all multiples of {STEP}"
    return f"heads of {config.head_dim} are not a multiple of {LANES}" if config.head_dim % LANES else ""


def shapes(config: ModelConfig) -> dict[str, tuple[int, int]]:
    """Return (rows, columns) of the layers' matrices, in the engine's order."""
    attention, shared = config.heads * config.head_dim, config.kv_heads * config.head_dim
    sizes: tuple[tuple[int, int], ...] = ((attention + 2 * shared, config.hidden), (config.hidden, attention))
    inner = config.intermediate * (2 if config.variant.is_gated else 1)
    sizes += ((inner, config.hidden), (config.hidden, config.intermediate))
    named = [
        (f"layers.{layer}.{what}", size)
        for layer in range(config.layers)
        for what, size in zip(OF_LAYER, sizes, strict=True)
    ]
    return dict(named)


def pieces(config: ModelConfig, rows: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Return (rows, columns) of the pieces of embedding and head, given how many numbers each `.scale` has."""
    vocabulary = ("embedding",) if config.tied else ("embedding", "head")
    names = [f"{name}.{n}" for name in vocabulary for n in range(SEGMENTS)]
    return {name: (rows[scale], config.hidden) for name in names if (scale := f"{name}.scale") in rows}


def index(config: ModelConfig, name: str) -> int:
    """Return as which of its matrices the engine knows a name."""
    what = name.split(".")
    if what[0] == "layers":
        return int(what[1]) * len(OF_LAYER) + OF_LAYER.index(what[2])
    return config.layers * len(OF_LAYER) + ("embedding", "head").index(what[0]) * SEGMENTS + int(what[1])


def low_rank(config: ModelConfig, matrix: int, of_all: bool) -> int:
    """Return as which the engine knows the first of two factors beside a layer's matrix, the second coming after it.

    `of_all`: of the part that belongs to every token; else of the slots'.
    """
    of_layers = config.layers * len(OF_LAYER)
    return of_layers + 2 * SEGMENTS + 2 * (of_layers * of_all + matrix)


def vectors(config: ModelConfig, layer: int | None = None) -> list[Vector]:
    """Return the weights and biases of all norms, or those of a layer; behind the last layer are the last."""
    if layer is None:
        return [one for n in range(config.layers + 1) for one in vectors(config, n)]
    is_last, start = layer == config.layers, layer * len(IN_LAYER)
    ours, theirs = ("", "") if is_last else (f"layers.{layer}.", f"model.layers.{layer}.")
    return [
        Vector(ours + name, start + n, config.head_dim if name in HEAD_NORMS else config.hidden, theirs + other)
        for n, (name, other) in enumerate((LAST if is_last else IN_LAYER).items())
        if (config.variant.has_head_norms or name not in HEAD_NORMS)
        and (config.variant.is_centred or not name.endswith("_bias"))
    ]


def matrices(config: ModelConfig, stored: Mapping[str, Stored]) -> Iterator[Matrix]:
    """Yield every matrix of arrays that were checked (spec.py)."""
    scales = {name: one.array.size for name, one in stored.items() if name.endswith(".scale")}
    for name, (rows, columns) in (shapes(config) | pieces(config, scales)).items():
        rows = -(-rows // UNIT) * UNIT
        data, times, bias = stored[f"{name}.data"].array, stored.get(f"{name}.times"), stored.get(f"{name}.bias")
        yield Matrix(
            name, 8 if times is None else 4, rows, columns, _on_a_line(data),
            None if times is None else _on_a_line(times.array),
            _on_a_line(stored[f"{name}.scale"].array), None if bias is None else _on_a_line(bias.array),
        )  # fmt: skip


def laid_out(levels: NDArray[np.int8], bits: int) -> Bytes:
    """Bring whole numbers [rows, columns] into the kernels' layout, as `Matrix.data`; rows a multiple of UNIT."""
    rows, columns = levels.shape
    if bits == 8:
        fours = (np.ascontiguousarray(levels).view(np.uint8) ^ 128).view(np.uint32)  # four bytes move together
        moved = fours.reshape(rows // UNIT, UNIT, columns // 4).transpose(0, 2, 1)
        return np.ascontiguousarray(moved).view(np.uint8).reshape(rows // UNIT, columns // 4, UNIT, 4)
    eights = (levels + 8).astype(np.uint8).reshape(rows // UNIT, UNIT, columns // 8, 2, 4).transpose(3, 0, 2, 1, 4)
    return np.ascontiguousarray(eights[0] | eights[1] << 4)


def laid_out_times(times: Bytes) -> Bytes:
    """Bring the whole numbers of PARTs [rows, columns / 32] into the kernels' layout."""
    return np.ascontiguousarray(times.reshape(-1, UNIT, times.shape[1]).transpose(0, 2, 1))


def rows(matrix: Matrix) -> NDArray[np.int8]:
    """Return int8 [rows, columns]: what is multiplied by the rows' scale."""
    units, columns = matrix.rows // UNIT, matrix.columns
    if matrix.times is None:
        fours = matrix.data.reshape(units, columns // 4, UNIT, 4).transpose(0, 2, 1, 3)
        return (fours.reshape(matrix.rows, columns) ^ 128).view(np.int8)
    data = matrix.data.reshape(units, columns // 8, UNIT, 4)
    levels = np.stack([data & 15, data >> 4], 2).astype(np.int8) - 8  # [units, eights, 2, UNIT, 4]
    levels = levels.transpose(0, 3, 1, 2, 4).reshape(matrix.rows, columns // PART, PART)
    times = matrix.times.reshape(units, columns // PART, UNIT).transpose(0, 2, 1).reshape(matrix.rows, -1, 1)
    return (levels * times.astype(np.int8)).reshape(matrix.rows, columns)


def write(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write a safetensors file whose arrays begin at whole lines, so that kernels may read them where they lie."""
    kinds = {"uint8": "U8", "float32": "F32"}
    header: dict[str, Any] = {"__metadata__": {"layout": LAYOUT}}
    at = 0
    for name, array in arrays.items():
        if array.nbytes % LINE:
            raise ValueError(f"{name} has {array.nbytes} bytes, no multiple of {LINE}")
        header[name] = {"dtype": kinds[array.dtype.name], "shape": array.shape, "data_offsets": [at, at + array.nbytes]}
        at += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(len(text) + 8) % LINE)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for array in arrays.values():
            file.write(np.ascontiguousarray(array).data)


def _on_a_line(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array where the kernels may read it: as it lies, or a copy where another program wrote the file."""
    if array.ctypes.data % LINE == 0:
        return array
    raw = np.empty(array.nbytes + LINE, np.uint8)
    raw = raw[-raw.ctypes.data % LINE :][: array.nbytes]
    raw[:] = array.reshape(-1).view(np.uint8)
    return raw.view(array.dtype).reshape(array.shape)
