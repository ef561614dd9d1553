"""A decoder of a few thousand weights that takes prompts as the shipped one does, and a repository for it."""

from __future__ import annotations

import json
from pathlib import Path

import torch

MARKS = ("<|endoftext|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|file_sep|>")
FIM = {
    "order": "suffix-first", "prefix": MARKS[1], "suffix": MARKS[2], "middle": MARKS[3], "file": MARKS[4],
    "prefix_tokens": 160, "suffix_tokens": 48,
}  # fmt: skip


def write_decoder(folder: Path) -> Path:
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer, inner.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    inner.train_from_iterator(
        [source(1)], trainers.BpeTrainer(vocab_size=320, initial_alphabet=alphabet, special_tokens=list(MARKS))
    )
    inner.save(str(folder / "tokenizer.json"))
    torch.manual_seed(0)
    sizes = {
        "vocab_size": 320, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "max_position_embeddings": 2048,
    }  # fmt: skip
    transformers.Qwen2ForCausalLM(transformers.Qwen2Config(**sizes, tie_word_embeddings=True)).save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"fim": FIM}))
    return folder


def source(number: int) -> str:
    return "".join(f"def area_{n}(width, height):\n    return width * height + {number}\n\n\n" for n in range(12))


def write_repository(folder: Path) -> Path:
    folder.mkdir()
    for number in range(10):
        (folder / f"file_{number}.py").write_text(source(number))
    return folder
