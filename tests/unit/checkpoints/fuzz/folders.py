"""Tiny model folders of every layout that is loaded: a few kilobytes of random weights, and a vocabulary of bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

SPECIAL = (
    "<|endoftext|>",
    "<|fim_prefix|>",
    "<|fim_suffix|>",
    "<|fim_middle|>",
    "<|file_sep|>",
    "<mask>",
    "<x>",
    "<y>",
)
VOCAB = 272  # 256 bytes, the special tokens, and rows that no token has
SIZES = {
    "vocab_size": VOCAB,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 2048,
    "rms_norm_eps": 1e-6,
    "rope_parameters": {"rope_theta": 10_000.0, "rope_type": "default"},
    "bos_token_id": 256,
    "eos_token_id": 256,
}
FIM = {
    "order": "suffix-first", "prefix": SPECIAL[1], "suffix": SPECIAL[2], "middle": SPECIAL[3], "file": SPECIAL[4],
    "prefix_tokens": 96, "suffix_tokens": 32,
}  # fmt: skip
CONFIDENCE = {"bias": 0.5, "weights": {"mean": 0.3, "length": -0.1}, "places": {"string": 0.1}, "shown": 0.01}
INFILL = {"begin": 256, "mask": 261, "delete": 262, "expand": 263, "passes": 2, "canvases": [1, 2, 3], "keep": 1}
LLAMA = {"model_type": "llama", "tie_word_embeddings": False, "attention_bias": False, **SIZES}
QWEN2 = {"model_type": "qwen2", "tie_word_embeddings": True, **SIZES}


def write_all(root: Path) -> None:
    """Write one folder of each layout below `root`, and model.gguf in the one of that name."""
    _write(root / "floats", LLAMA | {"fim": FIM}, random_tensors(LLAMA, "floats"))
    _write(root / "rows", QWEN2 | {"fim": FIM, "confidence": CONFIDENCE}, random_tensors(QWEN2, "rows"), is_split=True)
    infiller = LLAMA | {"tie_word_embeddings": True, "infill": INFILL, "confidence": CONFIDENCE}
    marks = {"marks.weight": np.ones((3, 64), np.float32)}
    _write(root / "infiller", infiller, random_tensors(infiller, "rows") | marks)
    _write_ready(root / "ready")
    write_gguf(root / "gguf")


def write_tokenizer(folder: Path, *merges: tuple[str, str]) -> None:
    """Write a byte-level vocabulary, without merges unless they are given."""
    words = [*sorted(pre_tokenizers.ByteLevel.alphabet()), *map("".join, merges)]
    inner = Tokenizer(models.BPE({word: n for n, word in enumerate(words)}, list(merges)))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    inner.add_special_tokens(list(SPECIAL))
    inner.save(str(folder / "tokenizer.json"))


def _write(folder: Path, config: dict, tensors: dict, is_split: bool = False) -> None:
    folder.mkdir(parents=True)
    write_tokenizer(folder)
    (folder / "config.json").write_text(json.dumps(config))
    names = sorted(tensors)
    groups = {"a.safetensors": names[::2], "b.safetensors": names[1::2]} if is_split else {"model.safetensors": names}
    for file, some in groups.items():
        save_file({name: tensors[name] for name in some}, folder / file)
    if is_split:
        index = {"weight_map": {name: file for file, some in groups.items() for name in some}}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def random_tensors(config: dict, kind: str) -> dict[str, np.ndarray]:
    """Return random weights under a transformers folder's names, matrices as `floats` or as int8 `rows`."""
    rng = np.random.default_rng(1)
    hidden, inner, head_dim = config["hidden_size"], config["intermediate_size"], config["head_dim"]
    heads, shared = config["num_attention_heads"] * head_dim, config["num_key_value_heads"] * head_dim
    matrices = {"model.embed_tokens": (config["vocab_size"], hidden)}
    if not config["tie_word_embeddings"]:
        matrices["lm_head"] = (config["vocab_size"], hidden)
    found = {"model.norm.weight": np.ones(hidden, np.float32)}
    for n in range(config["num_hidden_layers"]):
        name = f"model.layers.{n}"
        for part, rows in (("q", heads), ("k", shared), ("v", shared)):
            matrices[f"{name}.self_attn.{part}_proj"] = (rows, hidden)
            if config["model_type"] == "qwen2":
                found[f"{name}.self_attn.{part}_proj.bias"] = rng.normal(size=rows).astype(np.float32)
        matrices |= {f"{name}.self_attn.o_proj": (hidden, heads), f"{name}.mlp.gate_proj": (inner, hidden)}
        matrices |= {f"{name}.mlp.up_proj": (inner, hidden), f"{name}.mlp.down_proj": (hidden, inner)}
        for norm in ("input_layernorm", "post_attention_layernorm"):
            found[f"{name}.{norm}.weight"] = np.ones(hidden, np.float32)
    for name, shape in matrices.items():
        if kind == "rows":
            found[f"{name}.weight"] = rng.integers(-127, 128, shape).astype(np.int8)
            found[f"{name}.scale"] = np.full(shape[0], 0.001, np.float16)
        else:
            found[f"{name}.weight"] = rng.normal(0, 0.1, shape).astype(np.float32)
    return found


def _write_ready(folder: Path) -> None:
    import torch

    from fim_lsp.lab.weights import rounding
    from fim_lsp.lab.weights.pack import pack

    folder.mkdir(parents=True)
    tensors = {name: torch.from_numpy(array) for name, array in random_tensors(QWEN2, "floats").items()}
    matrices = {
        name.removesuffix(".weight"): rounding.plain(tensor, 4 if "mlp" in name else 8)
        for name, tensor in tensors.items()
        if tensor.ndim == 2
    }
    pack(QWEN2 | {"fim": FIM}, tensors, matrices, folder, [64, VOCAB - 64])
    write_tokenizer(folder)


def write_gguf(folder: Path, *merges: tuple[str, str], **more: Any) -> None:
    import torch

    from fim_lsp.lab.train import gguf_file

    folder.mkdir(parents=True)
    config = LLAMA | {"fim": FIM} | more
    write_tokenizer(folder, *merges)
    tensors = {name: torch.from_numpy(array) for name, array in random_tensors(config, "floats").items()}
    gguf_file.write(folder, tensors, config, folder, "q8_0")
