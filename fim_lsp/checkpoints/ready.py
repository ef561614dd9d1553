"""Weights as the kernels read them (engine.h), in safetensors files that are mapped: the shipped decoder comes so.

A matrix is `NAME.data` with, of 4 bits, `NAME.times`; then `NAME.scale` [rows] and maybe `NAME.bias` [rows]. Row r,
column c of 4 bits is scale[r] · times[r, c // 32] · level[r, c]; the two last make an int8, so that whatever reads
int8 rows with a scale can read these (`rows`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fim_lsp.checkpoints.config import ModelConfig
from fim_lsp.errors import ModelCorrupt

if TYPE_CHECKING:
    from fim_lsp.checkpoints.arrays import Stored

LAYOUT = "fim-lsp 1"  # of config.json: another layout is another number
LANES, UNIT, STEP, PART = 16, 32, 64, 32  # of engine.h
LINE = 64  # bytes: where an array may begin
NORM = "norm"
OF_LAYER = ("qkv", "out", "gate_up", "down")  # the matrices of a layer, in the engine's order
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


def is_ready(raw: Mapping[str, Any]) -> bool:
    """True for the config.json of weights in this layout."""
    return raw.get("layout") == LAYOUT


def shapes(config: ModelConfig) -> dict[str, tuple[int, int]]:
    """Return (rows, columns) of the layers' matrices, in the engine's order."""
    attention, shared = config.heads * config.head_dim, config.kv_heads * config.head_dim
    sizes: tuple[tuple[int, int], ...] = ((attention + 2 * shared, config.hidden), (config.hidden, attention))
    sizes += ((2 * config.intermediate, config.hidden), (config.hidden, config.intermediate))
    named = [
        (f"layers.{layer}.{what}", size)
        for layer in range(config.layers)
        for what, size in zip(OF_LAYER, sizes, strict=True)
    ]
    return dict(named)


def pieces(config: ModelConfig, stored: Mapping[str, Stored], where: Path) -> dict[str, tuple[int, int]]:
    """Return (rows, columns) of the pieces of embedding and head, a row a token in all; raises ModelCorrupt."""
    found: dict[str, tuple[int, int]] = {}
    wanted = -(-config.vocab // UNIT) * UNIT
    for name in ("embedding",) if config.tied else ("embedding", "head"):
        scales = [key for n in range(SEGMENTS) if (key := f"{name}.{n}.scale") in stored]
        rows = [stored[key].array.size for key in scales]
        if sum(rows) != wanted or any(size % UNIT for size in rows):
            raise ModelCorrupt(f"{where}: {name} has {sum(rows)} rows, not {wanted} as config.json says: copy it again")
        found |= {key.removesuffix(".scale"): (size, config.hidden) for key, size in zip(scales, rows, strict=True)}
    return found


def index(config: ModelConfig, name: str) -> int:
    """Return as which of its matrices the engine knows a name."""
    what = name.split(".")
    if what[0] == "layers":
        return int(what[1]) * len(OF_LAYER) + OF_LAYER.index(what[2])
    return config.layers * len(OF_LAYER) + ("embedding", "head").index(what[0]) * SEGMENTS + int(what[1])


def norms(config: ModelConfig) -> list[str]:
    """Return the names of all norms [hidden], in the engine's order."""
    return [f"layers.{layer}.{norm}" for layer in range(config.layers) for norm in ("norm_in", "norm_mid")] + [NORM]


def matrices(config: ModelConfig, stored: Mapping[str, Stored], where: Path) -> Iterator[Matrix]:
    """Yield every matrix, its shape and type checked against the configuration; raises ModelCorrupt."""
    for name, (rows, columns) in (shapes(config) | pieces(config, stored, where)).items():
        rows = -(-rows // UNIT) * UNIT
        data = _take(stored, f"{name}.data", "U8", where)
        bits = 8 * data.size // (rows * columns)
        times = _take(stored, f"{name}.times", "U8", where) if bits == 4 else None
        scale = _take(stored, f"{name}.scale", "F32", where)
        bias = _take(stored, f"{name}.bias", "F32", where) if f"{name}.bias" in stored else None
        wanted = {"data": (data, rows * columns * bits // 8), "scale": (scale, rows), "bias": (bias, rows)}
        wanted["times"] = (times, rows * columns // PART)
        for what, (array, size) in wanted.items():
            if bits not in (4, 8) or (array is not None and array.size != size):
                held = data.shape if array is None else array.shape
                raise ModelCorrupt(f"{where}: {name}.{what} is {held}, not {size} as config.json says: copy it again")
        yield Matrix(name, bits, rows, columns, data, times, scale, bias)


def norm(config: ModelConfig, stored: Mapping[str, Stored], name: str, where: Path) -> NDArray[np.float32]:
    """Return a norm [hidden]; raises ModelCorrupt."""
    found = _take(stored, name, "F32", where)
    if found.shape != (config.hidden,):
        raise ModelCorrupt(
            f"{where}: {name} is {found.shape}, not [{config.hidden}] as config.json says: copy it again"
        )
    return found


def laid_out(levels: NDArray[np.int8], bits: int) -> Bytes:
    """Bring whole numbers [rows, columns] into the kernels' layout, as `Matrix.data`; rows a multiple of UNIT."""
    rows, columns = levels.shape
    if bits == 8:
        shifted = (levels.astype(np.int16) + 128).astype(np.uint8)
        fours = shifted.reshape(rows // UNIT, UNIT, columns // 4, 4)
        return np.ascontiguousarray(fours.transpose(0, 2, 1, 3))
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
            file.write(np.ascontiguousarray(array).tobytes())


def _take(stored: Mapping[str, Stored], name: str, kind: str, where: Path) -> NDArray[Any]:
    if name not in stored:
        raise ModelCorrupt(f"{where}: the weights lack {name}: the files are incomplete, copy the model folder again")
    if stored[name].kind != kind:
        raise ModelCorrupt(f"{where}: {name} is {stored[name].kind}, not {kind}: copy the model folder again")
    return stored[name].array
