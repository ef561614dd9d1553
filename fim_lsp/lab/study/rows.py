"""Rows of the architecture study: a vocabulary and one file of rows, cut from the texts of a corpus.

texts.jsonl.zst ─ shuffle ─▶ tokenizer.json ─ windows, one hole each ─▶ 00000 set aside, 00001 to train on
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from fim_lsp.checkpoints.tokenizer import Tokenizer
from fim_lsp.errors import ConfigError, InputError
from fim_lsp.lab.study import vocabulary as entries
from fim_lsp.lab.train import corpus, shards, sources

CONTEXT, ANSWER = 256, 24  # most tokens of a row
MANIFEST = "manifest.json"
SAMPLE_CHARS = 20_000_000  # for the vocabulary
WINDOWS = 4  # of one text, so that the rows come from many
MIX = {
    "identifier": 0.2,
    "arguments": 0.15,
    "expression": 0.15,
    "rest_of_line": 0.25,
    "whole_line": 0.15,
    "block": 0.05,
    "empty": 0.05,
}


@dataclass(frozen=True)
class RowSettings:
    """How many tokens to cut, and how; the vocabulary is part of it."""

    tokens: int
    aside: int = 128  # rows for validation, from texts of their own
    vocabulary: int = entries.SIZE
    seed: int = 1
    cut: corpus.CorpusSettings = field(
        default_factory=lambda: corpus.CorpusSettings(tokens=240, holes=1, answer_tokens=ANSWER, mix=dict(MIX))
    )


def build(source: Path, out: Path, settings: RowSettings) -> dict[str, Any]:
    """Write vocabulary, rows and manifest unless they are there; returns the manifest; raises FimError."""
    stamp = {"tokens": settings.tokens, "aside": settings.aside, "seed": settings.seed, "corpus": _hash(source)}
    if (out / MANIFEST).is_file():
        known: dict[str, Any] = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
        if {name: known[name] for name in stamp} != stamp:
            raise ConfigError(f"{out} holds rows of another corpus or --tokens: give another --out, or remove it")
        return known
    out.mkdir(parents=True, exist_ok=True)
    texts = [text for _, _, text in corpus.read_texts(source)]
    random.Random(settings.seed).shuffle(texts)
    tokenizer = entries.train(_sample(texts), settings.vocabulary)
    tokenizer.inner.save(str(out / "tokenizer.json"))
    rows = _rows(iter(texts), tokenizer, settings)
    aside = list(islice(rows, settings.aside))
    training = list(_until(rows, settings.tokens))
    if len(aside) < settings.aside or not training:
        raise InputError(f"{source} gives {len(aside) + len(training)} rows, of which {settings.aside} are set aside")
    random.Random(settings.seed).shuffle(training)
    for number, some in enumerate((aside, training)):
        shards.write(out / f"{number:05}.safetensors.zst", [row for row, _ in some], [k for _, ks in some for k in ks])
    made = stamp | {
        "rows": len(training),
        "row_tokens": sum(len(piece) for row, _ in training for piece in row),
        "answer_tokens": sum(len(row[1]) for row, _ in training),
        "sha256": {path.name: sources.checksum(path) for path in sorted(out.iterdir())},
    }
    (out / MANIFEST).write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    return made


def _rows(
    texts: Iterator[str], tokenizer: Tokenizer, settings: RowSettings
) -> Iterator[tuple[shards.TokenRow, list[int]]]:
    """Yield (row, kinds) of a few windows of each text, those whose context is too long left out."""
    for number, text in enumerate(texts):
        rng = random.Random(f"{settings.seed}:{number}")
        fitting = (
            (row, kinds)
            for row, kinds in corpus.rows_of(text, tokenizer, settings.cut, rng)
            if len(row[0]) + len(row[2]) <= CONTEXT
        )
        yield from islice(fitting, WINDOWS)


def _until(
    rows: Iterator[tuple[shards.TokenRow, list[int]]], tokens: int
) -> Iterator[tuple[shards.TokenRow, list[int]]]:
    """Yield rows until they hold `tokens` tokens."""
    count = 0
    for row, kinds in rows:
        yield row, kinds
        count += sum(map(len, row))
        if count >= tokens:
            return


def _sample(texts: list[str]) -> Iterator[str]:
    chars = 0
    for text in texts:
        if chars > SAMPLE_CHARS:
            return
        chars += len(text)
        yield text


def _hash(source: Path) -> str:
    path = source / corpus.TEXTS
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
