"""Every tensor that a configuration implies, and whether a folder holds it: asked before anything computes with one.

The kernels trust sizes, and torch says only which of two shapes it could not add. What is wrong is told here, by the
tensor's name and its file, with what was found and what config.json implies.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from fim_lsp.checkpoints import ready
from fim_lsp.checkpoints.architectures import ARCHITECTURES
from fim_lsp.checkpoints.canonical import MARKS, POSITIONS, matrices, shares
from fim_lsp.checkpoints.config import ModelConfig
from fim_lsp.checkpoints.files import Held
from fim_lsp.checkpoints.marks import Marks
from fim_lsp.checkpoints.ready import STEP, UNIT
from fim_lsp.errors import ModelCorrupt, ModelMismatch

FLOATS = ("F32", "F16", "BF16")
MATRIX = ("I8", *FLOATS)
REMEDY = "copy the model folder again, or convert the model anew"
MUST, MAY, MUST_NOT = "must", "may", "must not"  # be there
TOGETHER = {"q_proj": "k_proj", "k_proj": "v_proj", "gate_proj": "up_proj"}  # read one input, so become one matrix

Dims = tuple[int, ...]
Folder = Mapping[str, Held]


class Expected(NamedTuple):
    """One tensor: its name, the shapes and kinds of numbers it may have, and whether it must be there."""

    name: str
    shapes: tuple[Dims, ...]
    kinds: Sequence[str]
    there: str = MUST

    @property
    def said(self) -> str:
        return f"{' or '.join(self.kinds)} {' or '.join(str(list(shape)) for shape in self.shapes)}"


@dataclass(frozen=True)
class ModelSpec:
    """The tensors of one model folder, under transformers' names or in the kernels' own layout (ready.py)."""

    config: ModelConfig
    folder: Path

    def tensors(self, held: Folder) -> Iterator[Expected]:
        """Yield every tensor; `held` says which kind of matrices there are, and so what belongs to them."""
        return (_ready if self.config.is_ready else _transformers)(self.config, held)

    def check(self, held: Folder) -> None:
        """Hold what the files say against what config.json implies; raises ModelCorrupt, ModelMismatch."""
        if self.config.is_ready:
            self._check_pieces(held)
        for one in self.tensors(held):
            check_one(one, held.get(one.name), self.folder)
        layers = rf"(?:{re.escape(ARCHITECTURES[self.config.architecture].names.layers)}|layers)\.(\d{{1,9}})\."
        for name, found in held.items():
            if (layer := re.match(layers, name)) and int(layer[1]) >= self.config.layers:
                raise _corrupt(found, name, f"there, and config.json says {self.config.layers} layers")
        self._check_pairs(held)
        if f"{MARKS}.weight" in held:
            Marks.read(self.config.infill, self.folder / "config.json")

    def _check_pairs(self, held: Folder) -> None:
        """Layers that are stacked into one have one kind of numbers, and all a bias or none."""
        for name, found in held.items():
            where, _, part = name.removesuffix(".weight").rpartition(".")
            other = f"{where}.{TOGETHER.get(part)}"
            if not name.endswith(".weight") or f"{other}.weight" not in held:
                continue  # it stands alone, or is none of the model's
            if (kind := held[f"{other}.weight"].kind) != found.kind:
                raise _corrupt(found, name, f"{found.kind}, and {other} which belongs to it {kind}")
            if (f"{other}.bias" in held) != (f"{where}.{part}.bias" in held):
                raise _corrupt(found, name, f"not as {other} which belongs to it: one of them has a bias")

    def _check_pieces(self, held: Folder) -> None:
        """The kernels' layout needs whole steps, and a row of the vocabulary for each token."""
        c = self.config
        if odd := [width for width in (c.hidden, c.intermediate, c.heads * c.head_dim) if width % STEP]:
            raise ModelCorrupt(
                f"{self.folder}: config.json implies a width of {odd[0]}, no multiple of {STEP}: {REMEDY}"
            )
        wanted, found = _padded(c.vocab), ready.pieces(c, _rows(held))
        for name in ("embedding",) if c.tied else ("embedding", "head"):
            sizes = [rows for piece, (rows, _) in found.items() if piece.startswith(name)]
            if sum(sizes) != wanted or any(size % UNIT or not size for size in sizes):
                raise ModelCorrupt(
                    f"{self.folder}: {name} has {sizes} rows, not {wanted} as config.json says: {REMEDY}"
                )


def check_one(one: Expected, found: Held | None, folder: Path) -> None:
    """Hold one tensor against what is expected; raises ModelCorrupt, ModelMismatch."""
    if found is None:
        if one.there == MUST:
            raise ModelCorrupt(f"{folder}: the weights lack {one.name}, {one.said}: {REMEDY}")
    elif one.there == MUST_NOT:
        raise _corrupt(found, one.name, "there, and by config.json and its matrix it should not be")
    elif found.kind not in one.kinds:
        raise ModelMismatch(f"{found.path}: {one.name} is {found.kind} {list(found.shape)}, not {one.said}: {REMEDY}")
    elif found.shape not in one.shapes:
        held = f"{found.kind} {list(found.shape)}"
        raise _corrupt(found, one.name, f"{held}, not {one.said} as config.json implies")


def _transformers(c: ModelConfig, held: Folder) -> Iterator[Expected]:
    """Yield what a folder under transformers' names holds, its matrices in floats or in int8 rows with a scale each."""
    of = shares(c)
    for vector in ready.vectors(c):
        name, _, kind = vector.theirs.rpartition(".")
        yield Expected(f"{of[name].name}.{kind}", ((vector.length,),), FLOATS)
    joined: dict[str, tuple[int, int, bool | None]] = {}  # several of ours may be one of theirs
    for name, rows, columns, has_bias in matrices(c):
        so_far, _, _ = joined.get(of[name].name, (0, 0, None))
        joined[of[name].name] = (so_far + rows, columns, has_bias)
    for name, (rows, columns, has_bias) in joined.items():
        yield from _linear(name, rows, columns, held, MAY if has_bias is None else MUST if has_bias else MUST_NOT)
    if c.variant.has_positions:
        yield Expected(f"{of[POSITIONS].name}.weight", ((c.max_positions, c.hidden),), FLOATS)
    yield Expected(f"{MARKS}.weight", ((3, c.hidden),), FLOATS, MAY)


def _linear(name: str, rows: int, columns: int, held: Folder, bias: str) -> Iterator[Expected]:
    weight = held.get(f"{name}.weight")
    yield Expected(f"{name}.weight", ((rows, columns),), MATRIX)
    yield Expected(f"{name}.scale", ((rows,),), FLOATS, MUST if weight and weight.kind == "I8" else MUST_NOT)
    yield Expected(f"{name}.bias", ((rows,),), FLOATS, bias)


def _ready(c: ModelConfig, held: Folder) -> Iterator[Expected]:
    """Yield what a folder in the kernels' layout holds."""
    for vector in ready.vectors(c):
        yield Expected(vector.name, ((vector.length,),), ("F32",))
    if c.variant.has_positions:
        yield Expected(ready.POSITIONS, ((c.max_positions, c.hidden),), ("F32",))
    for name, (rows, columns) in ready.shapes(c).items():
        is_qkv = name.endswith(".qkv")
        bias = (MUST if c.qkv_bias else MUST_NOT) if is_qkv else MAY
        yield from _matrix(name, _padded(rows), columns, held, bias, may_be_4=True)
    for name, (rows, columns) in ready.pieces(c, _rows(held)).items():  # the engine looks rows up in 8 bits alone
        yield from _matrix(name, rows, columns, held, MUST_NOT, may_be_4=name.startswith("head"))


def _matrix(name: str, rows: int, columns: int, held: Folder, bias: str, may_be_4: bool) -> Iterator[Expected]:
    in_8, in_4 = ((rows // UNIT, columns // each, UNIT, 4) for each in (4, 8))
    data = held.get(f"{name}.data")
    is_4 = may_be_4 and data is not None and data.shape == in_4
    yield Expected(f"{name}.data", (in_8, in_4) if may_be_4 else (in_8,), ("U8",))
    yield Expected(f"{name}.times", ((rows // UNIT, columns // ready.PART, UNIT),), ("U8",), MUST if is_4 else MUST_NOT)
    yield Expected(f"{name}.scale", ((rows,),), ("F32",))
    yield Expected(f"{name}.bias", ((rows,),), ("F32",), bias)


def _corrupt(found: Held, name: str, what: str) -> ModelCorrupt:
    return ModelCorrupt(f"{found.path}: {name} is {what}: {REMEDY}")


def _rows(held: Folder) -> dict[str, int]:
    """Return how many numbers each scale has: one a row of its matrix."""
    return {name: math.prod(one.shape) for name, one in held.items() if name.endswith(".scale")}


def _padded(rows: int) -> int:
    return -(-rows // UNIT) * UNIT
