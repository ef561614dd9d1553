"""A folder's tensors under Llama's names, whatever its architecture calls them: each is some rows of one of theirs.

The layers, the rounding and the checks know Llama's names alone. What several of ours share (queries, keys and values
in one matrix) is cut when it is asked for, so that reading a model layer by layer stays that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fim_lsp.checkpoints import ready
from fim_lsp.checkpoints.architectures import ARCHITECTURES, FEED_IN, LAYERS, QKV
from fim_lsp.checkpoints.config import EMBEDDING, ModelConfig
from fim_lsp.checkpoints.files import Held, Stored

HEAD, POSITIONS = "lm_head", "model.positions"
MARKS = "marks"  # an infiller's own rows of the embedding


class MatrixShape(NamedTuple):
    """A matrix by Llama's name, and whether it has a bias; None: as its file has it."""

    name: str
    rows: int
    columns: int
    has_bias: bool | None


class Share(NamedTuple):
    """Rows of a tensor of theirs that are one of ours; of `pieces` equal pieces, those rows of each."""

    name: str
    first: int
    last: int
    pieces: int = 1

    def of(self, array: NDArray[Any]) -> NDArray[Any]:
        """Cut them out: a view where there is one piece."""
        inner = array.shape[1:]
        if self.pieces == 1:
            return array[self.first : self.last]
        return array.reshape(self.pieces, -1, *inner)[:, self.first : self.last].reshape(-1, *inner)


def matrices(c: ModelConfig) -> Iterator[MatrixShape]:
    """Yield all matrices of a model: embedding, head, layers."""
    for name in (EMBEDDING,) if c.tied else (EMBEDDING, HEAD):
        yield MatrixShape(name, c.vocab, c.hidden, False)
    attention, shared, biases = c.heads * c.head_dim, c.kv_heads * c.head_dim, c.variant.biases
    for n in range(c.layers):
        for part, rows in zip(QKV, (attention, shared, shared), strict=True):
            yield MatrixShape(f"{LAYERS}.{n}.{part}", rows, c.hidden, c.qkv_bias)
        yield MatrixShape(f"{LAYERS}.{n}.self_attn.o_proj", c.hidden, attention, biases)
        for part in feed_in(c):
            yield MatrixShape(f"{LAYERS}.{n}.{part}", c.intermediate, c.hidden, biases)
        yield MatrixShape(f"{LAYERS}.{n}.mlp.down_proj", c.hidden, c.intermediate, biases)


def feed_in(c: ModelConfig) -> tuple[str, ...]:
    """Return the matrices that a feed-forward begins with."""
    return FEED_IN if c.variant.is_gated else FEED_IN[1:]


def shares(c: ModelConfig, is_stacked: bool = False) -> dict[str, Share]:
    """Return for every matrix and norm of ours what it is of theirs, all without .weight or .bias.

    Where every head has a key of its own, one matrix for the three has them head by head; `is_stacked`: not so.
    """
    names, found, filled = ARCHITECTURES[c.architecture].names, {}, dict[str, int]()
    for name, rows, _, _ in matrices(c):
        theirs = names.of(name)
        first = filled.get(theirs, 0)
        filled[theirs] = first + rows
        found[name] = Share(theirs, first, first + rows)
    if c.kv_heads == c.heads and not is_stacked:
        for name, share in found.items():
            if name.endswith(QKV) and filled[share.name] > share.last - share.first:
                n, d = share.first // (share.last - share.first), c.head_dim
                found[name] = Share(share.name, n * d, (n + 1) * d, c.heads)
    for vector in ready.vectors(c):
        name = vector.theirs.rpartition(".")[0]
        found[name] = Share(names.of(name), 0, vector.length)
    found[MARKS] = Share(MARKS, 0, 3)
    if c.variant.has_positions:
        found[POSITIONS] = Share(names.of(POSITIONS), 0, c.max_positions)
    return found


class Canonical(Mapping[str, Stored]):
    """The arrays of a folder that was checked (spec.py), by Llama's names."""

    def __init__(self, config: ModelConfig, held: Mapping[str, Held]):
        self.held, self.norm_plus = held, ARCHITECTURES[config.architecture].norm_plus
        self.norms = {vector.theirs for vector in ready.vectors(config) if vector.theirs.endswith(".weight")}
        self.shares = {
            f"{name}.{kind}": share._replace(name=f"{share.name}.{kind}")
            for name, share in shares(config).items()
            for kind in ("weight", "scale", "bias")
            if f"{share.name}.{kind}" in held
        }

    def __getitem__(self, name: str) -> Stored:
        share = self.shares[name]
        stored = self.held[share.name].mapped()
        if self.norm_plus and name in self.norms:
            return Stored("F32", stored.floats() + np.float32(self.norm_plus))
        return stored._replace(array=share.of(stored.array))

    def __iter__(self) -> Iterator[str]:
        return iter(self.shares)

    def __len__(self) -> int:
        return len(self.shares)
