"""From whole numbers by row to the kernels' layout (ready.py): the arrays of a matrix, and files with their index."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fim_lsp.checkpoints import ready
from fim_lsp.checkpoints.arrays import TensorPart
from fim_lsp.checkpoints.config import ModelConfig
from fim_lsp.checkpoints.files import Floats, Stored

INDEX = "model.safetensors.index.json"
PARTS = {"qkv": [f"self_attn.{part}_proj" for part in "qkv"], "out": ["self_attn.o_proj"]}
PARTS |= {"gate_up": ["mlp.gate_proj", "mlp.up_proj"], "down": ["mlp.down_proj"]}
WOVEN = "gate_up"  # LANES rows of each part in turn; the other parts stand on top of each other
LEAST = np.float32(1e-30)  # of a row's furthest weight: a row of zeros has a scale all the same
FULL, MOST_TIMES = np.float32(7.5), 15  # levels that a part's furthest weight becomes; steps of the furthest part
VOCABULARY = {"embedding": "model.embed_tokens", "head": "lm_head"}


class LevelRows(NamedTuple):
    """Whole numbers [rows, columns] with what they are multiplied by, as in `ready`."""

    levels: NDArray[np.int8]
    step: Floats  # [rows]
    times: ready.Bytes | None  # [rows, columns / 32]; None of 8 bits

    @property
    def bits(self) -> int:
        return 8 if self.times is None else 4


def rounded(part: TensorPart, bits: int) -> LevelRows:
    """Round rows of a matrix as the engine rounds them (`pack_8` and `pack_4` of engine.c), to the same numbers."""
    if part.scale is not None and bits == 8:
        return LevelRows(part.weight, part.scale, None)
    weight = Stored(part.kind, part.weight).floats()
    if part.scale is not None:
        weight = weight * part.scale[:, None]
    if bits == 8:
        most = np.maximum(np.abs(weight).max(1), LEAST)
        return LevelRows(_whole(weight * (np.float32(127) / most)[:, None], -127, 127), most / np.float32(127), None)
    grouped = weight.reshape(len(weight), -1, ready.PART)
    furthest = np.abs(grouped).max(2)
    step = np.maximum(furthest.max(1), LEAST) / FULL / np.float32(MOST_TIMES)
    times = _whole(furthest / FULL / step[:, None], 1, MOST_TIMES)
    levels = _whole(grouped * (1 / (step[:, None] * times.astype(np.float32)))[:, :, None], -8, 7)
    return LevelRows(levels.reshape(weight.shape), step, times.view(np.uint8))


def parts(what: str, config: ModelConfig) -> list[str]:
    """Return which matrices of a layer are one of the engine's."""
    return PARTS[what][1:] if what == WOVEN and not config.variant.is_gated else PARTS[what]


def _whole(numbers: Floats, low: int, high: int) -> NDArray[np.int8]:
    return np.clip(np.rint(numbers), low, high).astype(np.int8)


def joined(parts: Sequence[LevelRows], is_woven: bool = False) -> LevelRows:
    """Put matrices that read the same input on top of each other, or LANES rows of each in turn."""

    def join(some: list[NDArray[Any]]) -> NDArray[Any]:
        if not is_woven:
            return np.concatenate(some) if len(some) > 1 else some[0]
        shape = some[0].shape[1:]
        return np.stack([one.reshape(-1, ready.LANES, *shape) for one in some], 1).reshape(-1, *shape)

    times = [part.times for part in parts if part.times is not None]
    return LevelRows(
        join([part.levels for part in parts]), join([part.step for part in parts]), join(list(times)) if times else None
    )


def arrays(name: str, matrix: LevelRows, bias: Floats | None = None) -> dict[str, NDArray[Any]]:
    """Return a matrix as its file keeps it, rows padded to whole units."""
    more = -len(matrix.levels) % ready.UNIT

    def padded(array: NDArray[Any], value: int = 0) -> NDArray[Any]:
        edges = [(0, more), *[(0, 0)] * (array.ndim - 1)]
        return np.pad(array, edges, constant_values=value) if more else array

    found: dict[str, NDArray[Any]] = {f"{name}.data": ready.laid_out(padded(matrix.levels), matrix.bits)}
    if matrix.times is not None:
        found[f"{name}.times"] = ready.laid_out_times(padded(matrix.times, 1))
    found[f"{name}.scale"] = padded(matrix.step)
    return found if bias is None else found | {f"{name}.bias": padded(bias)}


def write_file(out: Path, name: str, group: Mapping[str, NDArray[Any]]) -> Path:
    """Write one file of a folder and name its arrays in the folder's index."""
    path, index = out / f"{name}.safetensors", out / INDEX
    ready.write(path, group)
    before = json.loads(index.read_text(encoding="utf-8"))["weight_map"] if index.is_file() else {}
    text = json.dumps({"metadata": {}, "weight_map": before | dict.fromkeys(group, path.name)}, indent=0)
    index.write_text(text + "\n", encoding="utf-8")
    return path
