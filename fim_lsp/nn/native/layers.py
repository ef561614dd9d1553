"""The layers of nn/transformer.py by the compiled kernels: int8 or int4 weights, int8 activations, numpy in and out.

Every token is computed alike whatever stands beside it (kernels.c), so reuse of keys and values, chunks of a prompt and
the verification of a draft give the very bits that one token after another gives. Nothing here imports torch: a server
that completes with these answers a second sooner.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from ctypes import byref
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fim_lsp.checkpoints import ready
from fim_lsp.checkpoints.architectures import GELU, GELU_EXACT, SILU
from fim_lsp.checkpoints.arrays import Arrays, TensorPart, interleaved, read_model, stacked
from fim_lsp.checkpoints.canonical import POSITIONS, feed_in
from fim_lsp.checkpoints.config import ModelConfig, read_config
from fim_lsp.checkpoints.files import Floats, Stored
from fim_lsp.checkpoints.low_rank import LowRank
from fim_lsp.checkpoints.ready import LANES, UNIT, unfit
from fim_lsp.errors import ModelMismatch
from fim_lsp.nn.encoder import Encoder, Ended
from fim_lsp.nn.native import library
from fim_lsp.nn.slots import UNKNOWN
from fim_lsp.nn.token_cache import TokenCache

KINDS = {"I8": 0, "F32": 1, "F16": 2, "BF16": 3}  # `Kind` of engine.c
ENDED = 2  # what `fim_run` says when it was over before its end
OF_LAYER = len(ready.OF_LAYER)
FINISHES = [(False, "store"), (False, "add")]  # `Finish` of engine.h
FINISHES += [(is_gated, activation) for is_gated in (True, False) for activation in (SILU, GELU, GELU_EXACT)]

Mask = NDArray[np.bool_]


class HalfCache(TokenCache):
    """Half floats: keys [layers, kv_heads, capacity / 16, head_dim, 16], values [layers, kv_heads, capacity, …]."""

    def __init__(self, config: ModelConfig, capacity: int):
        super().__init__(_rounded(capacity))
        shape = (config.layers, config.kv_heads)
        self.keys = np.zeros((*shape, self.capacity // LANES, config.head_dim, LANES), np.float16)
        self.values = np.zeros((*shape, self.capacity, config.head_dim), np.float16)

    @property
    def nbytes(self) -> int:
        return self.keys.nbytes + self.values.nbytes

    def make_room(self, capacity: int) -> None:
        """Grow to at least `capacity` tokens, keeping what is there."""
        if (more := _rounded(capacity) - self.capacity) > 0:
            self.keys = np.pad(self.keys, ((0, 0), (0, 0), (0, more // LANES), (0, 0), (0, 0)))
            self.values = np.pad(self.values, ((0, 0), (0, 0), (0, more), (0, 0)))
            self.capacity += more


class NativeLayers:
    """A stack of layers over one sequence whose keys and values are cached; `from_folder` is the way in."""

    def __init__(self, config: ModelConfig, kernels: str):
        lib = library.library()
        assert lib is not None, "kernels were named, so they were loaded"
        self.config, self.lib, self.kernels, self.threads = config, lib, kernels, library.threads()
        self.positions = config.positions
        v, activation = config.variant, FINISHES.index((config.variant.is_gated, config.variant.activation))
        shape = library.EngineShape(
            config.layers, config.hidden, config.intermediate, config.heads, config.kv_heads, config.head_dim,
            config.rotary, self.positions, v.window or self.positions, config.tied, v.is_centred, v.is_parallel,
            activation, self.threads, config.eps, v.embedding_factor, config.attention_factor,
        )  # fmt: skip
        self.model = lib.fim_new(byref(shape), kernels.encode(), _at(config.rope_frequencies))
        _expect(self.model)
        weakref.finalize(self, lib.fim_free, self.model)
        self.lock = threading.Lock()  # the engine runs one thing at a time, and two families may share it
        self.mask: Floats | None = None  # float [hidden]
        self.mapped: list[NDArray[np.generic]] = []  # arrays that the kernels read where they lie

    @classmethod
    def from_folder(cls, folder: Path, kernels: str | None = None, bits: int = 8, layers: int = 0) -> Self:
        """Load a safetensors folder, its weights in 8 or 4 bits, ready ones as they are and where they lie.

        `layers`: only so many of the lowest, so that `run` returns what would go on to the next; 0 for all.
        Raises ModelMissing, ModelCorrupt, ModelMismatch.
        """
        if problem := unfit(read_config(folder)):
            raise ModelMismatch(f"{folder}: {problem}")
        config, stored = read_model(folder)
        made = cls(replace(config, layers=layers or config.layers), kernels or library.kernels()[0])
        if config.is_ready:
            made._use(stored)
        else:
            made._load(Arrays.of(config, stored), bits)
        return made

    def new_cache(self, capacity: int) -> HalfCache:
        return HalfCache(self.config, min(capacity, self.positions))

    def run(
        self,
        ids: Sequence[int],
        positions: Sequence[int],
        cache: HalfCache,
        start: int,
        look: str | Mask,
        is_over: Callable[[], bool] | None = None,
        is_slots: bool = False,
    ) -> Floats:
        """Return hidden states [ids, hidden]; their keys and values go into the cache from `start` on.

        `look`: whom a new token sees: "all", "back" for those before it, or where a mask [ids, start + ids] is true.
        `is_slots`: the low-rank part belongs to these tokens; one that is UNKNOWN comes in as its mask.
        `is_over` is asked before each layer; raises Ended when it says so.
        """
        n = len(ids)
        if start + n > cache.capacity:
            raise ValueError(f"{start + n} tokens do not fit a cache of {cache.capacity}")
        hidden = np.empty((n, self.config.hidden), np.float32)
        mask = None if isinstance(look, str) else np.ascontiguousarray(look, np.bool_)
        tokens, where = np.asarray(ids, np.int32), np.asarray(positions, np.int32)
        if is_slots and self.mask is None:
            raise ValueError("there is no low-rank part for slots")
        least = UNKNOWN if is_slots else 0
        if not (tokens.min() >= least and tokens.max() < self.config.vocab and where.max() < self.positions):
            raise ValueError("a token or a position is outside the model's")
        unknown = _at(self.mask) if is_slots and self.mask is not None else None
        with self.lock:
            done = self.lib.fim_run(
                self.model, _at(tokens), _at(where), n, start, _at(cache.keys), _at(cache.values), cache.capacity,
                None if mask is None else _at(mask), int(isinstance(look, str) and look == "back"), unknown,
                _at(hidden), library.IS_OVER(is_over or 0),
            )  # fmt: skip
        _expect(done)
        if done == ENDED:
            raise Ended
        return hidden

    def add_low_rank(self, part: LowRank) -> None:
        """Put a low-rank part beside the matrices, in 8 bits, once for these layers.

        One with a mask belongs to slots alone, one without to every token: what was cached before is another model's.
        Raises ModelMismatch.
        """
        if not self.config.variant.is_gated or self.config.variant.activation != SILU:
            raise ModelMismatch(
                f"a low-rank part stands beside gates by {SILU}, which a {self.config.architecture} has not"
            )
        for layer in range(self.config.layers):
            for what, name in enumerate(ready.OF_LAYER):
                for n, factor in enumerate(part.joined(layer, name)):
                    matrix = layer * OF_LAYER + what
                    self._matrix(ready.low_rank(self.config, matrix, part.mask is None) + n, factor, 8)
        if part.mask is not None:
            self.mask = np.ascontiguousarray(part.mask)  # last: until then slots are refused

    def logits(self, hidden: Floats) -> Floats:
        """Return float32 [rows, vocab] for hidden states [rows, hidden]."""
        hidden = np.ascontiguousarray(hidden)
        out = np.empty((len(hidden), _rounded(self.config.vocab, UNIT)), np.float32)
        with self.lock:
            is_done = self.lib.fim_logits(self.model, _at(hidden), len(hidden), _at(out))
        _expect(is_done)
        return out[:, : self.config.vocab]

    def _use(self, stored: Mapping[str, Stored]) -> None:
        for matrix in ready.matrices(self.config, stored):
            arrays = (matrix.data, matrix.times, matrix.scale, matrix.bias)
            self.mapped += [array for array in arrays if array is not None]
            data, times, scale, bias = (None if array is None else _at(array) for array in arrays)
            n, size = ready.index(self.config, matrix.name), (matrix.rows, matrix.columns)
            self.lib.fim_use_matrix(self.model, n, matrix.bits, *size, data, times, scale, bias)
        for one in ready.vectors(self.config):
            self._vector(one, stored[one.name].floats())
        if self.config.variant.has_positions:
            self._learned(stored[ready.POSITIONS].floats())

    def _load(self, arrays: Arrays, bits: int) -> None:
        c = self.config
        for n in range(c.layers):
            name, first = f"model.layers.{n}", n * OF_LAYER
            self._matrix(first, stacked(arrays.part(f"{name}.self_attn.{p}_proj") for p in "qkv"), bits)
            self._matrix(first + 1, arrays.part(f"{name}.self_attn.o_proj"), bits)
            feed = [arrays.part(f"{name}.{part}") for part in feed_in(c)]
            self._matrix(first + 2, interleaved(feed[0], feed[1], LANES) if len(feed) == 2 else feed[0], bits)
            self._matrix(first + 3, arrays.part(f"{name}.mlp.down_proj"), bits)
        for one in ready.vectors(c):
            self._vector(one, arrays.floats(one.theirs))
        if c.variant.has_positions:
            self._learned(arrays.floats(f"{POSITIONS}.weight"))
        self._matrix(ready.index(c, "embedding.0"), arrays.part("model.embed_tokens"), 8)
        if not c.tied:
            self._matrix(ready.index(c, "head.0"), arrays.part("lm_head"), 8)

    def _matrix(self, n: int, part: TensorPart, bits: int) -> None:
        rows, cols = part.weight.shape
        weight = np.ascontiguousarray(part.weight)
        scale, bias = (None if one is None else _at(one) for one in (part.scale, part.bias))
        with self.lock:
            is_done = self.lib.fim_set_matrix(
                self.model, n, bits, rows, cols, KINDS[part.kind], _at(weight), scale, bias
            )
        _expect(is_done)

    def _vector(self, one: ready.Vector, values: Floats) -> None:
        if one.name in ready.LAST:
            values = values * np.float32(self.config.variant.logits_factor)
        _expect(self.lib.fim_set_vector(self.model, one.place, one.length, _at(values)))

    def _learned(self, positions: Floats) -> None:
        self.mapped.append(positions)
        self.lib.fim_use_positions(self.model, _at(positions))


class NativeDecoder(NativeLayers):
    """A causal language model."""

    def forward(self, ids: list[int], cache: HalfCache, rows: int = 1) -> Floats:
        """Append `ids` to the cached sequence and return the logits after the last `rows` of them, [rows, vocab]."""
        start = len(cache)
        hidden = self.run(ids, range(start, start + len(ids)), cache, start, "back")
        cache.ids.extend(ids)
        return self.logits(hidden[-rows:])


class NativeEncoder(Encoder, NativeLayers):
    """A masked language model."""


def _expect(is_done: int | None) -> None:
    if not is_done:
        raise MemoryError("there is no memory left for the model")


def _at(array: NDArray[np.generic]) -> int:
    return array.ctypes.data


def _rounded(size: int, to: int = LANES) -> int:
    return -(-size // to) * to
