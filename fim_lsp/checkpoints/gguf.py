"""A GGUF file as the folders have it: a config.json and float tensors under transformers' names, checked alike.

The file keeps rotary halves of Llama interleaved; the folders do not. Packed numbers are opened by the package `gguf`.
"""

from __future__ import annotations

import math
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fim_lsp.checkpoints import rotary
from fim_lsp.checkpoints.arrays import TensorPart
from fim_lsp.checkpoints.config import ARCHITECTURES, ModelConfig
from fim_lsp.checkpoints.fields import Table
from fim_lsp.checkpoints.files import Floats, Held
from fim_lsp.checkpoints.gguf_head import Head, TensorEntry, read_head
from fim_lsp.checkpoints.spec import ModelSpec
from fim_lsp.errors import ModelCorrupt, ModelMismatch

OUTSIDE = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}  # GGUF's name by ours
OF_LAYER = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
SIZES = {  # of config.json, and GGUF's key behind the family's name
    "hidden_size": "embedding_length",
    "intermediate_size": "feed_forward_length",
    "num_hidden_layers": "block_count",
    "num_attention_heads": "attention.head_count",
    "num_key_value_heads": "attention.head_count_kv",
    "head_dim": "attention.key_length",
    "max_position_embeddings": "context_length",
    "rms_norm_eps": "attention.layer_norm_rms_epsilon",
}
CLASSES = {"llama": "LlamaForCausalLM", "qwen2": "Qwen2ForCausalLM"}
SCALED = "rope_freqs.weight"  # what each rotary frequency is divided by, in files of Llama 3.1 and later
SAMPLED, ROUNDING = 64, 0.1  # rows that are compared, and how far two roundings of one row are apart at most


def gguf_name(name: str) -> str:
    """Return under which name GGUF keeps a tensor of a transformers folder."""
    layer, _, kind = name.rpartition(".")
    if layer in OUTSIDE:
        return f"{OUTSIDE[layer]}.{kind}"
    _, _, number, part = layer.split(".", 3)
    return f"blk.{number}.{OF_LAYER[part]}.{kind}"


class GgufFile:
    """A GGUF decoder whose tensors are opened as they are asked for; raises ModelCorrupt, ModelMismatch."""

    def __init__(self, path: Path):
        self.path, self.package, self.head = path, _package(path), read_head(path)
        self.raw = _config(self.head, path)
        if SCALED in self.head.tensors:
            self.raw["rope_parameters"][rotary.FACTORS] = _opened(SCALED, self.head, self.package, path).tolist()
        self.config = ModelConfig.from_dict(self.raw, path)
        self.names = {name: of for name, of in _names(self.config.layers).items() if of in self.head.tensors}
        entries = {name: self.head.tensors[of] for name, of in self.names.items()}
        held = {name: Held("F32", entry.shape, path, self.head.data[:0]) for name, entry in entries.items()}
        ModelSpec(self.config, path).check(held)

    def has(self, name: str) -> bool:
        return name in self.names

    def floats(self, name: str, first: int = 0, last: int | None = None) -> Floats:
        """Return a tensor, or rows of it, in floats; its bytes must lie within the file."""
        part = name.rsplit(".", 2)[-2]
        if self.raw["model_type"] == "llama" and part in ("q_proj", "k_proj"):
            whole = _opened(self.names[name], self.head, self.package, self.path)
            return _apart(whole, self.config.heads if part == "q_proj" else self.config.kv_heads)[first:last]
        return _opened(self.names[name], self.head, self.package, self.path, first, last)

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
        entry = self.head.tensors[self.names[name]]
        return _row_bytes(entry, self.package)


def read(path: Path) -> tuple[dict[str, Any], dict[str, Floats]]:
    """Return config.json and the tensors of a GGUF decoder in floats; raises ModelCorrupt, ModelMismatch."""
    file = GgufFile(path)
    return file.raw, {name: file.floats(name) for name in file.names}


def _package(path: Path) -> ModuleType:
    try:
        return import_module("gguf")
    except ModuleNotFoundError:
        raise ModelMismatch(f"{path} is read by the package gguf: pip install 'fim-lsp[gguf]'") from None


def _config(head: Head, path: Path) -> dict[str, Any]:
    """Say in the words of config.json what the head says."""
    family = head.values.get("general.architecture")
    if family not in ARCHITECTURES:
        raise ModelMismatch(f"{path} holds a {family!r:.60}; {', '.join(ARCHITECTURES)} are read: give another file")
    table = Table(head.values, str(path))
    raw: dict[str, Any] = {"model_type": family, "architectures": [CLASSES[family]], "hidden_act": "silu"}
    raw |= {name: head.values.get(f"{family}.{key}") for name, key in SIZES.items()}
    embedding = head.tensors.get(gguf_name("model.embed_tokens.weight"))
    raw["vocab_size"] = embedding.shape[0] if embedding is not None and embedding.shape else None
    theta = table.number(f"{family}.rope.freq_base", 1, 1e12, 10_000.0)
    raw["rope_parameters"] = {"rope_type": "default", "rope_theta": theta, **_scaling(head, str(family), path)}
    raw["tie_word_embeddings"] = gguf_name("lm_head.weight") not in head.tensors
    for name, key in (("bos", "bos"), ("eos", "eos"), ("pad", "padding")):
        raw[f"{name}_token_id"] = head.values.get(f"tokenizer.ggml.{key}_token_id")
    return {name: value for name, value in raw.items() if value is not None}


def _scaling(head: Head, family: str, path: Path) -> dict[str, Any]:
    """Say how rotary positions are stretched, but for the factors that a tensor holds; raises ModelMismatch."""
    kind = head.values.get(f"{family}.rope.scaling.type")
    if kind in (None, "none"):
        return {}
    if kind != "linear":
        raise ModelMismatch(f"{path}: {kind!r:.60} rotary positions are not computed: give another file")
    return {"rope_type": "linear", "factor": head.values.get(f"{family}.rope.scaling.factor")}


def _names(layers: int) -> dict[str, str]:
    """Return GGUF's name for each tensor that a folder might have."""
    where = [*OUTSIDE, *(f"model.layers.{n}.{part}" for n in range(layers) for part in OF_LAYER)]
    return {name: gguf_name(name) for one in where for name in (f"{one}.weight", f"{one}.bias")}


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
