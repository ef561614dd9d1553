"""A GGUF file as the folders have it: a config.json and float tensors under transformers' names, checked alike.

The file keeps rotary halves of Llama interleaved; the folders do not. Packed numbers are opened by the package `gguf`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fim_lsp.checkpoints import canonical, rotary
from fim_lsp.checkpoints.architectures import ARCHITECTURES
from fim_lsp.checkpoints.arrays import TensorPart
from fim_lsp.checkpoints.config import DEEPEST, ModelConfig
from fim_lsp.checkpoints.fields import Table
from fim_lsp.checkpoints.files import Floats, Held
from fim_lsp.checkpoints.gguf_head import Head, TensorEntry, read_head
from fim_lsp.checkpoints.spec import ModelSpec
from fim_lsp.errors import ModelCorrupt, ModelMismatch

SIZES = {  # of config.json in Llama's words, and GGUF's keys behind the architecture's name, the first that is there
    "hidden_size": ("embedding_length",),
    "intermediate_size": ("feed_forward_length",),
    "num_hidden_layers": ("block_count",),
    "num_attention_heads": ("attention.head_count",),
    "num_key_value_heads": ("attention.head_count_kv",),
    "head_dim": ("attention.key_length",),
    "max_position_embeddings": ("context_length",),
    "rms_norm_eps": ("attention.layer_norm_rms_epsilon", "attention.layer_norm_epsilon"),
    "sliding_window": ("attention.sliding_window",),
    "use_parallel_residual": ("use_parallel_residual",),
    "embedding_multiplier": ("embedding_scale",),
    "residual_multiplier": ("residual_scale",),
    "attention_multiplier": ("attention.scale",),
    "logits_scaling": ("logit_scale",),
}
BIASED = ("blk.0.attn_q.bias", "blk.0.attn_qkv.bias")  # where there is one, attention has biases
NAMED = {of.gguf or name: name for name, of in ARCHITECTURES.items() if of.gguf is not None}
EMBEDDING, HEAD = "token_embd.weight", "output.weight"
SCALED = "rope_freqs.weight"  # what each rotary frequency is divided by, in files of Llama 3.1 and later
SAMPLED, ROUNDING = 64, 0.1  # rows that are compared, and how far two roundings of one row are apart at most


def gguf_names(package: ModuleType, architecture: str, layers: int) -> Callable[[str], str | None]:
    """Return what says under which name GGUF keeps a tensor of a transformers folder, None: under none."""
    known = {name: arch for arch, name in package.MODEL_ARCH_NAMES.items()}
    table = package.get_tensor_name_map(known[ARCHITECTURES[architecture].gguf or architecture], layers)
    return lambda name: table.get_name(name, (".weight", ".bias"))


class GgufFile:
    """A GGUF decoder whose tensors are opened as they are asked for; raises ModelCorrupt, ModelMismatch."""

    def __init__(self, path: Path):
        self.path, self.package, self.head = path, _package(path), read_head(path)
        self.raw = _config(self.head, path)
        if SCALED in self.head.tensors:
            shape = self.head.tensors[SCALED].shape
            if len(shape) != 1 or shape[0] > DEEPEST:
                raise ModelCorrupt(
                    f"{path}: {SCALED} has the shape {list(shape)}, not one number a frequency: copy it again"
                )
            self.raw["rope_parameters"][rotary.FACTORS] = _opened(SCALED, self.head, self.package, path).tolist()
        self.config = ModelConfig.from_dict(self.raw, path)
        self.architecture = ARCHITECTURES[self.config.architecture]
        name_of = gguf_names(self.package, self.config.architecture, self.config.layers)
        shares = {  # by our name, as what of a tensor of theirs
            f"{name}.{kind}": share._replace(name=f"{share.name}.{kind}")
            for name, share in canonical.shares(self.config, is_stacked=True).items()
            for kind in ("weight", "bias")
        }
        of = {one.name: there for one in shares.values() if (there := name_of(one.name)) in self.head.tensors}
        held = {name: Held("F32", self.head.tensors[at].shape, path, self.head.data[:0]) for name, at in of.items()}
        ModelSpec(self.config, path).check(held)
        self.names = {name: one._replace(name=of[one.name]) for name, one in shares.items() if one.name in of}

    def has(self, name: str) -> bool:
        return name in self.names

    def floats(self, name: str, first: int = 0, last: int | None = None) -> Floats:
        """Return a tensor, or rows of it, in floats; its bytes must lie within the file."""
        share, part = self.names[name], name.rsplit(".", 2)[-2]
        if self.architecture.is_interleaved_in_gguf and part in ("q_proj", "k_proj"):
            whole = _opened(share.name, self.head, self.package, self.path)
            return _apart(whole, self.config.heads if part == "q_proj" else self.config.kv_heads)[first:last]
        if len(self.head.tensors[share.name].shape) == 1:
            return _opened(share.name, self.head, self.package, self.path)[share.first : share.last][first:last]
        first, last, _ = slice(first, last).indices(share.last - share.first)
        return _opened(share.name, self.head, self.package, self.path, share.first + first, share.first + last)

    def part(self, name: str, first: int = 0, last: int | None = None) -> TensorPart:
        """Return rows of a matrix."""
        return TensorPart("F32", self.floats(f"{name}.weight", first, last), None, None)

    def one_vocabulary(self) -> str:
        """Name the finer of embedding and head where both are roundings of one matrix; "" where they are two."""
        if self.config.tied:
            return ""
        names = [f"{name}.weight" for name in ("model.embed_tokens", "lm_head")]
        for row in range(0, self.config.vocab, max(self.config.vocab // SAMPLED, 1)):
            one, other = (self.floats(name, row, row + 1) for name in names)
            if np.linalg.norm(one - other) > ROUNDING * np.linalg.norm(other):
                return ""
        return max(names, key=lambda name: self._row_bytes(name)).removesuffix(".weight")

    def _row_bytes(self, name: str) -> int:
        entry = self.head.tensors[self.names[name].name]
        return _row_bytes(entry, self.package)


def read(path: Path) -> tuple[dict[str, Any], dict[str, Floats]]:
    """Return config.json and the tensors of a GGUF decoder in floats, by Llama's names.

    Raises ModelCorrupt, ModelMismatch.
    """
    file = GgufFile(path)
    return file.raw, {name: file.floats(name) for name in file.names}


def _package(path: Path) -> ModuleType:
    try:
        return import_module("gguf")
    except ModuleNotFoundError:
        raise ModelMismatch(f"{path} is read by the package gguf: pip install 'fim-lsp[gguf]'") from None


def _config(head: Head, path: Path) -> dict[str, Any]:
    """Say in the words of config.json what the head says."""
    written = head.values.get("general.architecture")
    if not isinstance(written, str) or written not in NAMED:
        raise ModelMismatch(f"{path} holds a {written!r:.60}; {', '.join(NAMED)} are read: give another file")
    name, table = NAMED[written], Table(head.values, str(path))
    of = ARCHITECTURES[name]
    raw: dict[str, Any] = {"model_type": name, "architectures": [of.class_name]}
    for field, keys in SIZES.items():
        found = (_once(head.values.get(f"{written}.{key}")) for key in keys)
        raw[of.fields.get(field, field)] = next((one for one in found if one is not None), None)
    hidden, heads = (
        table.whole(f"{written}.{SIZES[one][0]}", 1, 1 << 30) for one in ("hidden_size", "num_attention_heads")
    )
    head_dim = raw["head_dim"] = table.whole(f"{written}.attention.key_length", 1, 1 << 30, max(hidden // heads, 1))
    embedding = head.tensors.get(EMBEDDING)
    raw["vocab_size"] = embedding.shape[0] if embedding is not None and embedding.shape else None
    theta = table.number(f"{written}.rope.freq_base", 1, 1e12, 10_000.0)
    turned = table.whole(f"{written}.rope.dimension_count", 0, 1 << 30, head_dim)
    raw["rope_parameters"] = {"rope_type": "default", "rope_theta": theta, **_scaling(head, written, path)}
    if of.has_partial_rotary:
        raw["rope_parameters"]["partial_rotary_factor"] = turned / head_dim
    raw["tie_word_embeddings"] = HEAD not in head.tensors
    raw[of.fields.get("attention_bias", "attention_bias")] = any(one in head.tensors for one in BIASED)
    for token, key in (("bos", "bos"), ("eos", "eos"), ("pad", "padding")):
        raw[f"{token}_token_id"] = head.values.get(f"tokenizer.ggml.{key}_token_id")
    return {field: value for field, value in raw.items() if value is not None and field}


def _once(value: Any) -> Any:
    """Return the number that a list has for every layer; what is no such list, as it is."""
    return value[0] if isinstance(value, list) and value and all(one == value[0] for one in value) else value


def _scaling(head: Head, family: str, path: Path) -> dict[str, Any]:
    """Say how rotary positions are stretched, but for the factors that a tensor holds; raises ModelMismatch."""
    kind = head.values.get(f"{family}.rope.scaling.type")
    if kind in (None, "none"):
        return {}
    if kind != "linear":
        raise ModelMismatch(f"{path}: {kind!r:.60} rotary positions are not computed: give another file")
    return {"rope_type": "linear", "factor": head.values.get(f"{family}.rope.scaling.factor")}


def _opened(name: str, head: Head, package: ModuleType, path: Path, first: int = 0, last: int | None = None) -> Floats:
    entry = head.tensors[name]
    try:
        kind = package.GGMLQuantizationType(entry.kind)
        numbers, _ = package.GGML_QUANT_SIZES[kind]
    except (ValueError, KeyError):
        raise ModelMismatch(
            f"{path}: {name} is of the type {entry.kind}, which the package gguf does not know"
        ) from None
    *outer, columns = entry.shape
    rows, width = math.prod(outer), _row_bytes(entry, package)
    end = entry.first + rows * width
    if columns % numbers or end > len(head.data):
        raise ModelCorrupt(f"{path}: {name} ends at byte {end}, and the file has {len(head.data)}: copy it again")
    first, last, _ = slice(first, last).indices(rows) if outer else (0, 1, 1)
    raw = np.fromfile(path, np.uint8, (last - first) * width, offset=entry.first + first * width)  # no page stays
    try:
        found: NDArray[Any] = package.quants.dequantize(raw.reshape(last - first, width), kind)
    except NotImplementedError:
        raise ModelMismatch(f"{path}: {name} is {kind.name}, which the package gguf cannot open") from None
    return np.ascontiguousarray(found.reshape(last - first, columns) if outer else found.reshape(-1), np.float32)


def _row_bytes(entry: TensorEntry, package: ModuleType) -> int:
    numbers, size = package.GGML_QUANT_SIZES[package.GGMLQuantizationType(entry.kind)]
    return int(entry.shape[-1] // numbers * size)


def _apart(weight: Floats, heads: int) -> Floats:
    """Bring a head's interleaved rows, 0, d/2, 1, ..., into two halves."""
    pairs = weight.reshape(heads, weight.shape[0] // heads // 2, 2, *weight.shape[1:])
    return np.ascontiguousarray(pairs.swapaxes(1, 2).reshape(weight.shape))
