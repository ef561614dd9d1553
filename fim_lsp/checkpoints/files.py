"""The heads of safetensors files: what a folder holds, by name, before anything of it is read."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from fim_lsp.checkpoints.config import shards
from fim_lsp.errors import ModelCorrupt

TYPES: dict[str, type[np.generic]] = {
    "BOOL": np.bool_,
    "U8": np.uint8,
    "I8": np.int8,
    "I32": np.int32,
    "I64": np.int64,
    "F16": np.float16,
    "BF16": np.uint16,  # numpy has no bfloat16: its bits
    "F32": np.float32,
    "F64": np.float64,
}

MOST_DIMENSIONS, MOST_NUMBERS = 8, 1 << 48  # also of an array that is empty: its shape is what numpy must take

Floats = NDArray[np.float32]


class Stored(NamedTuple):
    """An array as its file has it; of BF16 only the bits."""

    kind: str
    array: NDArray[Any]

    def floats(self) -> Floats:
        if self.kind == "BF16":
            return np.ascontiguousarray(self.array.astype(np.uint32) << 16).view(np.float32)
        return np.ascontiguousarray(self.array, np.float32)


class Held(NamedTuple):
    """One tensor of a folder: its kind of numbers and its shape as the head of its file says, and where it lies."""

    kind: str
    shape: tuple[int, ...]
    path: Path
    raw: NDArray[np.uint8]  # its bytes, over the file's own pages

    def mapped(self) -> Stored:
        """Return the array, copied only where its numbers would lie across their own size; raises ModelCorrupt."""
        if self.kind not in TYPES:
            raise ModelCorrupt(
                f"{self.path} holds numbers of kind {self.kind}: convert it to float16, bfloat16 or int8"
            )
        size = np.dtype(TYPES[self.kind]).itemsize
        raw = self.raw if self.raw.ctypes.data % size == 0 else np.array(self.raw)
        return Stored(self.kind, raw.view(TYPES[self.kind]).reshape(self.shape))


def held_in(folder: Path) -> dict[str, Held]:
    """Read the heads of all of a folder's files; raises ModelMissing, ModelCorrupt."""
    found: dict[str, Held] = {}
    for path in shards(folder):
        try:
            with safe_open(path, framework="np"):
                pass  # it checks the head, that arrays neither overlap nor leave gaps, and that the file is whole
            raw = np.memmap(path, np.uint8, "r")
            begin = 8 + int(raw[:8].view("<u8")[0])
            header = json.loads(bytes(raw[8:begin]))
        except (SafetensorError, OSError, ValueError, RecursionError) as problem:
            raise ModelCorrupt(f"{path} is truncated or damaged ({problem}): copy the model folder again") from None
        for name, entry in header.items():
            if name != "__metadata__":
                first, last = entry["data_offsets"]
                shape = tuple(entry["shape"])
                if len(shape) > MOST_DIMENSIONS or math.prod(max(one, 1) for one in shape) > MOST_NUMBERS:
                    raise ModelCorrupt(f"{path}: {name:.60} has a shape that no array has: copy the model folder again")
                found[name] = Held(entry["dtype"], shape, path, raw[begin + first : begin + last])
    return found


def stored_in(folder: Path) -> dict[str, Stored]:
    """Map all arrays of a folder's files as they are, whatever they are; raises ModelMissing, ModelCorrupt."""
    return {name: held.mapped() for name, held in held_in(folder).items()}
