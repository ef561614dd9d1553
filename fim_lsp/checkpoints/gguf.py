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

from fim_lsp.checkpoints.config import ARCHITECTURES, ModelConfig
from fim_lsp.checkpoints.fields import Table
from fim_lsp.checkpoints.files import Floats, Held
from fim_lsp.checkpoints.gguf_head import Head, read_head
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
SCALED = "rope_freqs.weight"  # frequencies that no formula of ours gives
NO_SCALING = (None, "none")


def gguf_name(name: str) -> str:
    """Return under which name GGUF keeps a tensor of a transformers folder."""
    layer, _, kind = name.rpartition(".")
    if layer in OUTSIDE:
        return f"{OUTSIDE[layer]}.{kind}"
    _, _, number, part = layer.split(".", 3)
    return f"blk.{number}.{OF_LAYER[part]}.{kind}"


def read(path: Path) -> tuple[dict[str, Any], dict[str, Floats]]:
    """Return config.json and the tensors of a GGUF decoder in floats; raises ModelCorrupt, ModelMismatch."""
    package, head = _package(path), read_head(path)
    raw = _config(head, path)
    config = ModelConfig.from_dict(raw, path)
    names = _names(config.layers)
    floats = {name: head.tensors[of] for name, of in names.items() if of in head.tensors}
    held = {name: Held("F32", entry.shape, path, head.data[:0]) for name, entry in floats.items()}
    ModelSpec(config, path).check(held)
    tensors = {name: _opened(names[name], head, package, path) for name in held}
    if raw["model_type"] == "llama":
        for name, array in tensors.items():
            if (part := name.rsplit(".", 2)[-2]) in ("q_proj", "k_proj"):
                tensors[name] = _apart(array, config.heads if part == "q_proj" else config.kv_heads)
    return raw, tensors


def _package(path: Path) -> ModuleType:
    try:
        return import_module("gguf")
    except ModuleNotFoundError:
        raise ModelMismatch(f"{path} is read by the package gguf: pip install 'fim-lsp[lab]'") from None


def _config(head: Head, path: Path) -> dict[str, Any]:
    """Say in the words of config.json what the head says."""
    family = head.values.get("general.architecture")
    if family not in ARCHITECTURES:
        raise ModelMismatch(f"{path} holds a {family!r:.60}; {', '.join(ARCHITECTURES)} are read: give another file")
    scaling = head.values.get(f"{family}.rope.scaling.type")
    if scaling not in NO_SCALING or SCALED in head.tensors:
        raise ModelMismatch(f"{path} scales its rotary positions: not supported yet")
    table = Table(head.values, str(path))
    raw: dict[str, Any] = {"model_type": family, "architectures": [CLASSES[family]], "hidden_act": "silu"}
    raw |= {name: head.values.get(f"{family}.{key}") for name, key in SIZES.items()}
    embedding = head.tensors.get(gguf_name("model.embed_tokens.weight"))
    raw["vocab_size"] = embedding.shape[0] if embedding is not None and embedding.shape else None
    theta = table.number(f"{family}.rope.freq_base", 1, 1e12, 10_000.0)
    raw["rope_parameters"] = {"rope_type": "default", "rope_theta": theta}
    raw["tie_word_embeddings"] = gguf_name("lm_head.weight") not in head.tensors
    for name, key in (("bos", "bos"), ("eos", "eos"), ("pad", "padding")):
        raw[f"{name}_token_id"] = head.values.get(f"tokenizer.ggml.{key}_token_id")
    return {name: value for name, value in raw.items() if value is not None}


def _names(layers: int) -> dict[str, str]:
    """Return GGUF's name for each tensor that a folder might have."""
    where = [*OUTSIDE, *(f"model.layers.{n}.{part}" for n in range(layers) for part in OF_LAYER)]
    return {name: gguf_name(name) for one in where for name in (f"{one}.weight", f"{one}.bias")}


def _opened(name: str, head: Head, package: ModuleType, path: Path) -> Floats:
    """Return a tensor in floats; its bytes must lie within the file."""
    entry = head.tensors[name]
    try:
        kind = package.GGMLQuantizationType(entry.kind)
        numbers, size = package.GGML_QUANT_SIZES[kind]
    except (ValueError, KeyError):
        raise ModelMismatch(
            f"{path}: {name} is of the type {entry.kind}, which the package gguf does not know"
        ) from None
    length = math.prod(entry.shape) // numbers * size
    last = entry.first + length
    if entry.shape[-1] % numbers or last > len(head.data):
        raise ModelCorrupt(f"{path}: {name} ends at byte {last}, and the file has {len(head.data)}: copy it again")
    raw = np.array(head.data[entry.first : last])
    try:
        found: NDArray[Any] = package.quants.dequantize(raw.reshape(*entry.shape[:-1], -1), kind)
    except NotImplementedError:
        raise ModelMismatch(f"{path}: {name} is {kind.name}, which the package gguf cannot open") from None
    return np.ascontiguousarray(found.reshape(entry.shape), np.float32)


def _apart(weight: Floats, heads: int) -> Floats:
    """Bring a head's interleaved rows, 0, d/2, 1, ..., into two halves."""
    pairs = weight.reshape(heads, weight.shape[0] // heads // 2, 2, *weight.shape[1:])
    return np.ascontiguousarray(pairs.swapaxes(1, 2).reshape(weight.shape))
