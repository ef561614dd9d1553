"""A low-rank part beside a trunk's matrices (LoRA, arXiv 2106.09685): W·x becomes W·x + B·A·x, for slots or for all.

`layers.N.PART.A.weight` [rank, in], `layers.N.PART.B.weight` [out, rank] of up to seven parts, in int8 rows with a
`.scale` each or in floats; of slots also `mask` float [hidden], what comes in for a token that is not known yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fim_lsp.checkpoints.arrays import TensorPart, interleaved, stacked
from fim_lsp.checkpoints.config import ModelConfig, read_raw_config
from fim_lsp.checkpoints.fields import Table
from fim_lsp.checkpoints.files import Floats, Held, held_in
from fim_lsp.checkpoints.ready import LANES, STEP
from fim_lsp.checkpoints.spec import FLOATS, MATRIX, MUST, MUST_NOT, Expected, check_one

MASK = "mask"
SLOTS = "slots"  # model_type of such a folder
MOST_SLOTS, MOST_RANK = 64, 1024
COUNTS = ("passes", "canvas", "block_canvas")
TOGETHER = {"qkv": ("q", "k", "v"), "out": ("o",), "gate_up": ("gate", "up"), "down": ("down",)}


class Where(NamedTuple):
    """Beside which matrices a part stands: those of TOGETHER, from a layer on."""

    first_layer: int
    matrices: tuple[str, ...]


@dataclass(frozen=True)
class SlotConfig:
    """What config.json says of slots: whose trunk they stand beside, their rank, how they are filled."""

    trunk: Path
    rank: int
    policy: Mapping[str, Any]

    @classmethod
    def read(cls, folder: Path) -> SlotConfig:
        """Read config.json; raises ModelMissing, ModelCorrupt."""
        table = Table(read_raw_config(folder), str(folder / "config.json"))
        given = table.table("slots")
        knobs: dict[str, float] = {name: given.whole(name, 1, MOST_SLOTS, 1) for name in COUNTS}
        knobs["sure"] = given.number("sure", 0, 1, 1)
        policy = {name: knob for name, knob in knobs.items() if name in given.given}
        return cls((folder / table.text("trunk")).resolve(), table.whole("rank", 1, MOST_RANK), policy)


@dataclass(frozen=True)
class LowRank:
    """Both factors of every part by name, and the vector of an unknown token."""

    factors: Mapping[str, TensorPart]
    mask: Floats | None  # [hidden]; None of a part that belongs to every token

    @classmethod
    def from_folder(cls, folder: Path, trunk: ModelConfig, rank: int, where: Where | None = None) -> LowRank:
        """Map a folder's files once they fit the trunk; raises ModelMissing, ModelCorrupt, ModelMismatch.

        `where`: the matrices that it stands beside; None for slots, which it stands beside all of.
        """
        held = held_in(folder)
        for one in tensors(trunk, rank, held, where):
            check_one(one, held.get(one.name), folder)
        stored = {name: one.mapped() for name, one in held.items()}
        factors = {}
        for name in (one.removesuffix(".weight") for one in stored if one.endswith(".weight")):
            scale = stored.get(f"{name}.scale")
            kind, weight = stored[f"{name}.weight"]
            factors[name] = TensorPart(kind, weight, scale and scale.floats(), None)
        return cls(factors, None if where else stored[MASK].floats())

    def joined(self, layer: int, what: str) -> tuple[TensorPart, ...]:
        """Return the two factors beside one of the engine's matrices: parts that read one input become one product.

        Nothing where it stands beside none of them.
        """
        parts = [f"layers.{layer}.{part}" for part in TOGETHER[what]]
        if f"{parts[0]}.A" not in self.factors:
            return ()
        first = stacked(self.factors[f"{part}.A"] for part in parts)
        rank = len(first.weight) // len(parts)
        width = -(-len(first.weight) // STEP) * STEP
        second = [_widened(self.factors[f"{part}.B"], n * rank, width) for n, part in enumerate(parts)]
        return _deepened(first, width), interleaved(second[0], second[1], LANES) if what == "gate_up" else stacked(
            second
        )


def sizes(trunk: ModelConfig) -> dict[str, tuple[int, int]]:
    """Return (out, in) of the seven parts of a layer."""
    attention, shared = trunk.heads * trunk.head_dim, trunk.kv_heads * trunk.head_dim
    found = {"q": (attention, trunk.hidden), "k": (shared, trunk.hidden), "v": (shared, trunk.hidden)}
    found |= {"o": (trunk.hidden, attention), "down": (trunk.hidden, trunk.intermediate)}
    return found | dict.fromkeys(("gate", "up"), (trunk.intermediate, trunk.hidden))


def tensors(trunk: ModelConfig, rank: int, held: Mapping[str, Held], where: Where | None = None) -> Iterator[Expected]:
    """Yield every tensor of a part of that rank; `held` says which factors are int8 rows."""
    if where is None:
        yield Expected(MASK, ((trunk.hidden,),), FLOATS)
    first, matrices = where or Where(0, tuple(TOGETHER))
    beside = {part for what in matrices for part in TOGETHER[what]}
    for layer in range(first, trunk.layers):
        for part, (out, into) in ((part, size) for part, size in sizes(trunk).items() if part in beside):
            for factor, shape in (("A", (rank, into)), ("B", (out, rank))):
                name = f"layers.{layer}.{part}.{factor}"
                weight = held.get(f"{name}.weight")
                yield Expected(f"{name}.weight", (shape,), MATRIX)
                has_scale = weight is not None and weight.kind == "I8"
                yield Expected(f"{name}.scale", (shape[:1],), FLOATS, MUST if has_scale else MUST_NOT)


def _widened(part: TensorPart, at: int, width: int) -> TensorPart:
    """Put a factor's columns where its share of a joined input lies."""
    weight = np.zeros((len(part.weight), width), part.weight.dtype)
    weight[:, at : at + part.weight.shape[1]] = part.weight
    return part._replace(weight=weight)


def _deepened(part: TensorPart, rows: int) -> TensorPart:
    more = rows - len(part.weight)
    scale = None if part.scale is None else np.pad(part.scale, (0, more))
    return part._replace(weight=np.pad(part.weight, ((0, more), (0, 0))), scale=scale)
