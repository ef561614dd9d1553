"""The tokenizer that a GGUF file keeps in its head, as a tokenizer.json: byte-level BPE, and how it splits text.

The names of the splits are llama.cpp's (`tokenizer.ggml.pre`); each is what the publisher's own tokenizer.json says.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fim_lsp.checkpoints.formats import SIZES, recognised
from fim_lsp.errors import ModelCorrupt, ModelMismatch

CONTROL, USER_DEFINED, UNUSED = 3, 4, 5  # kinds of a token
FIM = {"prefix": ("fim_pre", "prefix"), "suffix": ("fim_suf", "suffix"), "middle": ("fim_mid", "middle")}
WORDS = r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
CONTRACTED = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
DEEPSEEK = ("[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-퟿]+", r"\p{N}")
GPT2 = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
BYTES = {**GPT2, "use_regex": False}
DIGITS = {"type": "Digits", "individual_digits": True}


def _split(pattern: str) -> dict[str, Any]:
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


SPLITS: dict[str, list[dict[str, Any]]] = {
    "gpt-2": [GPT2],
    "qwen2": [_split(CONTRACTED + WORDS % ""), BYTES],
    "llama-bpe": [_split(CONTRACTED + WORDS % "{1,3}"), BYTES],
    "deepseek-coder": [*map(_split, DEEPSEEK), BYTES],
    "smollm": [DIGITS, GPT2],
}
SPLITS |= dict.fromkeys(("starcoder", "refact"), SPLITS["smollm"])
SPLITS |= dict.fromkeys(("llama3", "llama-v3"), SPLITS["llama-bpe"])
WHOLE_WORDS = ("llama-bpe", "llama3", "llama-v3")  # a word that is a token needs no merges


def read_words(values: Mapping[str, Any], path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return tokenizer.json, and the `fim` table where only the head says which tokens are sentinels.

    Raises ModelCorrupt, ModelMismatch.
    """
    kind, split = (values.get(f"tokenizer.ggml.{name}") for name in ("model", "pre"))
    if kind != "gpt2":
        said = "a sentencepiece vocabulary" if kind == "llama" else f"a vocabulary of the kind {kind!r:.60}"
        raise ModelMismatch(f"{path} has {said}; byte-level BPE is read: give the safetensors folder of the same model")
    if split not in SPLITS:
        raise ModelMismatch(
            f"{path} splits text as {split!r:.60}; {', '.join(SPLITS)} are known: give the safetensors folder instead"
        )
    tokens = _texts(values, "tokens", path)
    kinds = values.get("tokenizer.ggml.token_type")
    if not isinstance(kinds, list) or len(kinds) != len(tokens):
        kinds = [1] * len(tokens)
    fim = _fim(values, tokens)
    special = {*fim.values()} | {token for token, of in zip(tokens, kinds, strict=True) if of == CONTROL}
    added = [
        {"id": n, "content": token, "special": token in special, "normalized": False}
        | dict.fromkeys(("single_word", "lstrip", "rstrip"), False)
        for n, (token, of) in enumerate(zip(tokens, kinds, strict=True))
        if of in (CONTROL, USER_DEFINED) or token in special
    ]
    vocab = {token: n for n, (token, of) in enumerate(zip(tokens, kinds, strict=True)) if of != UNUSED}
    merges = [pair for pair in _texts(values, "merges", path) if pair.count(" ") == 1]
    model = {"type": "BPE", "vocab": vocab, "merges": merges, "ignore_merges": split in WHOLE_WORDS}
    words = {
        "version": "1.0",
        "added_tokens": added,
        "normalizer": None,
        "post_processor": _template(values, tokens),
        "model": model,
    }
    words |= {"pre_tokenizer": {"type": "Sequence", "pretokenizers": SPLITS[split]}, "decoder": GPT2}
    return words, {} if recognised(vocab.get) or len(fim) < len(FIM) else {**fim, **SIZES}


def _template(values: Mapping[str, Any], tokens: list[str]) -> dict[str, Any] | None:
    """Say what stands before every text, where the head wants a beginning."""
    at = values.get("tokenizer.ggml.bos_token_id")
    if values.get("tokenizer.ggml.add_bos_token") is not True or not isinstance(at, int) or not 0 <= at < len(tokens):
        return None
    first, text = {"SpecialToken": {"id": tokens[at], "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}
    special = {tokens[at]: {"id": tokens[at], "ids": [at], "tokens": [tokens[at]]}}
    return {"type": "TemplateProcessing", "single": [first, text], "pair": [first, text], "special_tokens": special}


def _texts(values: Mapping[str, Any], name: str, path: Path) -> list[str]:
    found = values.get(f"tokenizer.ggml.{name}")
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise ModelCorrupt(
            f"{path} lacks tokenizer.ggml.{name}: convert the model anew, or give its safetensors folder"
        )
    return found


def _fim(values: Mapping[str, Any], tokens: list[str]) -> dict[str, str]:
    """Return the sentinels that the head names by their ids."""
    found = {}
    for name, keys in FIM.items():
        ids = (values.get(f"tokenizer.ggml.{key}_token_id") for key in keys)
        if (at := next((one for one in ids if isinstance(one, int) and 0 <= one < len(tokens)), None)) is not None:
            found[name] = tokens[at]
    return found
