"""A smaller vocabulary: the tokens that are used, closed under merges, so that every text still encodes and decodes.

A byte-level BPE says any text by its 256 byte tokens and builds each other token from two by one merge. Leaving out a
token and its merge leaves the two parts where it stood; keeping a token needs both its parts kept.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from fim_lsp.checkpoints.ready import UNIT
from fim_lsp.checkpoints.tokenizer import Tokenizer

SENTINELS: tuple[str, ...] = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|fim_prefix|>",
    "<|fim_middle|>",
    "<|fim_suffix|>",
)
SENTINELS += ("<|fim_pad|>", "<|repo_name|>", "<|file_sep|>")
FAVOURED = "python"
IDS = ("bos_token_id", "eos_token_id", "pad_token_id", "unk_token_id")  # of config.json


def count(tokenizer: Tokenizer, texts: Iterable[str]) -> Counter[int]:
    """Return how often each id occurs in some texts."""
    used: Counter[int] = Counter()
    for text in texts:
        used.update(tokenizer.encode(text))
    return used


def choose(
    tokenizer: Mapping[str, Any], counts: Mapping[str, Counter[int]], size: int, sentinels: Collection[str] = SENTINELS
) -> list[int]:
    """Return the ids to keep, in order: sentinels, bytes, and the most used with what they are merged from.

    A language counts by the share of its own tokens, so that a rare one is not lost; the number of ids is the largest
    multiple of UNIT that `size` allows.
    """
    ids: dict[str, int] = tokenizer["model"]["vocab"]
    parts = {ids[left + right]: (ids[left], ids[right]) for left, right in pairs(tokenizer)}
    kept = {token["id"] for token in tokenizer["added_tokens"] if token["content"] in sentinels}
    kept |= {number for number in ids.values() if number not in parts}  # the bytes, which nothing is merged into
    shares: dict[int, float] = defaultdict(float)
    for used in counts.values():
        total = sum(used.values())
        for number, times in used.items():
            shares[number] += times / total
    room = size // UNIT * UNIT
    for number, _ in sorted(shares.items(), key=lambda one: (-one[1], one[0])):
        needed = _with_parts(number, parts) - kept
        if len(kept) + len(needed) <= room:
            kept |= needed
    for number in sorted(parts):  # what is left goes to the tokens that were merged first
        needed = _with_parts(number, parts) - kept
        if len(kept) + len(needed) <= room:
            kept |= needed
    return sorted(kept)


def in_two(tokenizer: Mapping[str, Any], counts: Mapping[str, Counter[int]], first: int, size: int) -> list[int]:
    """Return the ids to keep, the first ones a vocabulary by themselves in which `FAVOURED` counts as all others do.

    So a release may carry some rows of the embedding and the next one the rest.
    """
    favoured = {f"{FAVOURED} {n}": counts[FAVOURED] for n in range(len(counts)) if FAVOURED in counts}
    before = choose(tokenizer, {**counts, **favoured}, first)
    return before + sorted(set(choose(tokenizer, counts, size)) - set(before))


def trim(tokenizer: Mapping[str, Any], kept: list[int]) -> dict[str, Any]:
    """Return tokenizer.json with these ids alone, numbered anew in their order."""
    new = {old: number for number, old in enumerate(kept)}
    ids: dict[str, int] = tokenizer["model"]["vocab"]
    vocab = {token: new[old] for token, old in ids.items() if old in new}
    merges = [[left, right] for left, right in pairs(tokenizer) if {left, right, left + right} <= vocab.keys()]
    added = [{**token, "id": new[token["id"]]} for token in tokenizer["added_tokens"] if token["id"] in new]
    return {**tokenizer, "model": {**tokenizer["model"], "vocab": vocab, "merges": merges}, "added_tokens": added}


def trim_folder(source: Path, out: Path, kept: list[int]) -> None:
    """Write a transformers folder with a trimmed tokenizer and the rows of the embedding that belong to it."""
    from fim_lsp.lab.train.folder import write_folder
    from fim_lsp.nn.reference.tensors import load_tensors

    out.mkdir(parents=True, exist_ok=True)
    tokenizer = json.loads((source / "tokenizer.json").read_text(encoding="utf-8"))
    (out / "tokenizer.json").write_text(json.dumps(trim(tokenizer, kept), ensure_ascii=False), encoding="utf-8")
    if (settings := source / "tokenizer_config.json").is_file():
        shutil.copy(settings, out)
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    new = {old: number for number, old in enumerate(kept)}
    config |= {name: new.get(config[name]) for name in IDS if config.get(name) is not None}
    tensors = load_tensors(source)
    for name in ("model.embed_tokens", "lm_head"):
        for kind in ("weight", "scale"):
            if (key := f"{name}.{kind}") in tensors:
                tensors[key] = tensors[key][kept].contiguous()
    write_folder(out, tensors, config | {"vocab_size": len(kept)})


def cost(full: Tokenizer, trimmed: Tokenizer, texts: Mapping[str, Iterable[str]]) -> dict[str, float]:
    """Return by language how many percent more tokens the trimmed vocabulary needs."""
    found = {}
    for language, some in texts.items():
        before, after = 0, 0
        for text in some:
            before += len(full.encode(text))
            after += len(trimmed.encode(text))
        found[language] = 100 * (after / before - 1)
    return found


def pairs(tokenizer: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the merges as pairs, however the file writes them."""
    merges = [pair.split(" ") if isinstance(pair, str) else pair for pair in tokenizer["model"]["merges"]]
    return [(left, right) for left, right in merges]


def _with_parts(number: int, parts: Mapping[int, tuple[int, int]]) -> set[int]:
    found, open_ = set(), [number]
    while open_:
        one = open_.pop()
        if one not in found:
            found.add(one)
            open_.extend(parts.get(one, ()))
    return found
