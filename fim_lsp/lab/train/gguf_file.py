"""GGUF out, for llama.cpp, and in, as a start of training: checkpoints/gguf.py reads what this writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fim_lsp.checkpoints import rotary
from fim_lsp.checkpoints.gguf import SCALED, gguf_names, read
from fim_lsp.errors import ConfigError, ModelCorrupt, ModelMismatch
from fim_lsp.lab.train.folder import write_folder

TYPES = ("f16", "q8_0")  # of matrices; vectors stay float32
PRE_TOKENIZERS = {"llama": "smollm", "qwen2": "qwen2"}  # llama.cpp's names for how our vocabularies split text
UNTAUGHT = {"<reponame>"}  # llama.cpp knows it by name and begins every infill prompt with it; ours never saw one


def write(
    out: Path, tensors: dict[str, Tensor], config: dict[str, Any], source: Path, matrix_type: str = TYPES[0]
) -> Path:
    """Write model.gguf with the ids of the fill-in-the-middle sentinels and return its path; raises ConfigError."""
    import gguf

    if matrix_type not in TYPES:
        raise ConfigError(f"--type {matrix_type}: there are {', '.join(TYPES)}")
    path = out / "model.gguf"
    family = config["model_type"]
    writer = gguf.GGUFWriter(path, family)
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    rope = config.get("rope_parameters") or config
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_rope_dimension_count(config["hidden_size"] // heads)
    _write_positions(writer, rope)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0 if matrix_type == "q8_0" else gguf.LlamaFileType.MOSTLY_F16)
    _write_vocabulary(writer, json.loads((source / "tokenizer.json").read_text(encoding="utf-8")), config)
    name_of = gguf_names(gguf, family, config["num_hidden_layers"])
    for name, tensor in tensors.items():
        array, theirs = tensor.float().numpy(), name_of(name)
        if theirs is None:
            raise ConfigError(f"GGUF has no tensor {name} for a {family}")
        if family == "llama" and name.endswith(("q_proj.weight", "k_proj.weight")):  # others keep the halves apart
            array = _interleave(array, heads if "q_proj" in name else kv_heads)
        if array.ndim == 2 and matrix_type == "q8_0":
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(theirs, gguf.quants.quantize(array, kind), raw_dtype=kind)
        else:
            writer.add_tensor(theirs, array.astype(np.float16 if array.ndim == 2 else np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def unpack(file: Path, folder: Path) -> Path:
    """Turn a GGUF into a transformers folder of float weights, once; raises ModelCorrupt, ModelMismatch."""
    if (folder / "config.json").is_file():
        return folder
    config, arrays = read(file)
    if (family := config["model_type"]) not in PRE_TOKENIZERS:
        raise ModelMismatch(f"{file} holds a {family}; training begins with {' or '.join(PRE_TOKENIZERS)}")
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name, local_files_only=True)
    except Exception as problem:  # transformers trusts the vocabulary that a file holds
        raise ModelCorrupt(f"the vocabulary of {file} cannot be read ({problem}): copy it again") from None
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(folder)
    write_folder(folder, {name: torch.from_numpy(array) for name, array in arrays.items()}, config)
    return folder


def _write_positions(writer: Any, rope: Mapping[str, Any]) -> None:
    import gguf

    writer.add_rope_freq_base(rope.get("rope_theta", 10_000.0))
    if rope.get("rope_type") == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope["factor"])
    if rotary.FACTORS in rope:
        writer.add_tensor(SCALED, np.array(rope[rotary.FACTORS], np.float32))


def _write_vocabulary(writer: Any, tokenizer: dict[str, Any], config: dict[str, Any]) -> None:
    import gguf

    ids = tokenizer["model"]["vocab"] | {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    special = {token["id"] for token in tokenizer["added_tokens"]}
    by_id = {number: token for token, number in ids.items()}
    tokens = [by_id.get(n, f"[unused{n}]") for n in range(config["vocab_size"])]
    tokens = [f"[unused{n}]" if token in UNTAUGHT else token for n, token in enumerate(tokens)]
    kinds = [gguf.TokenType.CONTROL if n in special else gguf.TokenType.NORMAL for n in range(len(tokens))]
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in tokenizer["model"]["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(PRE_TOKENIZERS[config["model_type"]])
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(config["bos_token_id"])
    writer.add_eos_token_id(config["eos_token_id"])
    fim = config["fim"]
    for key, name in (("pre", "prefix"), ("suf", "suffix"), ("mid", "middle")):
        writer.add_uint32(f"tokenizer.ggml.fim_{key}_token_id", ids[fim[name]])


def _interleave(weight: np.ndarray, heads: int) -> np.ndarray:
    """Bring the two halves of each head's rows side by side: row 0, row d/2, row 1, ..."""
    halves = weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:])
    return halves.swapaxes(1, 2).reshape(weight.shape)
