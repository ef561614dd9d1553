"""What a model folder says of itself: config.json, and which files hold its weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fim_lsp.errors import ModelCorrupt, ModelMismatch, ModelMissing

FAMILIES = ("llama", "qwen2")
EMBEDDING = "model.embed_tokens"


@dataclass(frozen=True)
class ModelConfig:
    """The numbers that shape a Llama-family decoder (Touvron et al., arXiv 2302.13971)."""

    vocab: int
    hidden: int
    intermediate: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    eps: float
    rope_theta: float
    tied: bool
    max_positions: int
    qkv_bias: bool
    fim: Mapping[str, Any]  # how this checkpoint was trained to fill in; empty when it does not say
    infill: Mapping[str, Any]  # marks and decoding of an infiller; empty for a decoder

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any], where: Path) -> ModelConfig:
        """Read the fields of a transformers config.json; raises ModelMismatch."""
        family = raw.get("model_type")
        if family not in FAMILIES:
            raise ModelMismatch(
                f"{where} holds a model of type {family!r}; the decoder runs {', '.join(FAMILIES)}: give another folder"
            )
        rope = raw.get("rope_parameters") or raw.get("rope_scaling") or {}
        rope_type = rope.get("rope_type", rope.get("type", "default"))
        if rope_type != "default" or raw.get("use_sliding_window"):
            raise ModelMismatch(f"{where} uses {rope_type} rotary positions or a sliding window: not supported yet")
        try:
            heads = raw["num_attention_heads"]
            return cls(
                vocab=raw["vocab_size"],
                hidden=raw["hidden_size"],
                intermediate=raw["intermediate_size"],
                layers=raw["num_hidden_layers"],
                heads=heads,
                kv_heads=raw.get("num_key_value_heads") or heads,
                head_dim=raw.get("head_dim") or raw["hidden_size"] // heads,
                eps=raw.get("rms_norm_eps", 1e-6),
                rope_theta=rope.get("rope_theta") or raw.get("rope_theta") or 10_000.0,
                tied=bool(raw.get("tie_word_embeddings", False)),
                max_positions=raw.get("max_position_embeddings", 2048),
                qkv_bias=family == "qwen2" or bool(raw.get("attention_bias", False)),
                fim=raw.get("fim") or {},
                infill=raw.get("infill") or {},
            )
        except KeyError as missing:
            raise ModelCorrupt(f"{where} lacks {missing}: copy the model folder again") from None


def read_config(folder: Path) -> ModelConfig:
    """Read config.json of a model folder; raises ModelMissing, ModelCorrupt, ModelMismatch."""
    return ModelConfig.from_dict(read_raw_config(folder), folder / "config.json")


def read_raw_config(folder: Path) -> dict[str, Any]:
    """Read config.json as it stands; raises ModelMissing, ModelCorrupt."""
    path = folder / "config.json"
    if not path.is_file():
        raise ModelMissing(
            f"no model in {folder}: config.json is not there; check the path, or install the weights again"
        )
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise ModelCorrupt(f"{path} cannot be read ({problem}): copy the model folder again") from None
    if not isinstance(raw, dict):
        raise ModelCorrupt(f"{path} is not a JSON object: copy the model folder again")
    return raw


def tokenizer_folder(folder: Path) -> Path:
    """Return where a model's tokenizer lies: with it, or in the folder `tokenizer_from` of config.json names."""
    config = folder / "config.json"
    other = read_raw_config(folder).get("tokenizer_from") if config.is_file() else None
    return (folder / other).resolve() if other else folder


def shards(folder: Path) -> list[Path]:
    """List the safetensors files of a folder, those named in its index or else all; raises ModelMissing."""
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        try:
            names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        except (ValueError, KeyError, AttributeError) as problem:
            raise ModelCorrupt(f"{index} cannot be read ({problem}): copy the model folder again") from None
        paths = [folder / name for name in names]
    else:
        paths = sorted(folder.glob("*.safetensors"))
    if not paths:
        raise ModelMissing(f"no *.safetensors in {folder}: only safetensors are loaded, convert pickled weights first")
    for path in paths:
        if not path.is_file():
            raise ModelMissing(f"{path} is named in the index but is not there: copy the model folder again")
    return paths
