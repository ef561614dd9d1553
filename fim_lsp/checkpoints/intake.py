"""A published decoder read once into the kernels' layout, a layer at a time: whole it is never in memory."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fim_lsp.checkpoints import canonical, packing, ready
from fim_lsp.checkpoints.arrays import TensorPart, read_model
from fim_lsp.checkpoints.config import LAYOUT, ModelConfig, read_raw_config, shards, tokenizer_folder
from fim_lsp.checkpoints.files import Floats
from fim_lsp.checkpoints.gguf import GgufFile
from fim_lsp.checkpoints.gguf_words import read_words
from fim_lsp.checkpoints.licence import licence_of
from fim_lsp.checkpoints.packing import LevelRows
from fim_lsp.checkpoints.special_tokens import kept_apart
from fim_lsp.errors import InputError, ModelMismatch, ModelMissing

BLOCK = 1 << 21  # weights that are opened at once, in each thread
PIECE = 1 << 25  # weights of a piece of the vocabulary, where so few pieces suffice
WORKERS = min(os.cpu_count() or 1, 8)
BESIDE = ("tokenizer_config.json", "README.md", "LICENSE", "LICENSE.txt", "LICENSE.md", "NOTICE")

Tell = Callable[[str, int, int], None]  # what, how much of it is done, of how much


class TensorSource(Protocol):
    """Where a decoder's tensors come from, under a transformers folder's names."""

    raw: dict[str, Any]
    config: ModelConfig

    def has(self, name: str) -> bool: ...

    def floats(self, name: str) -> Floats:
        """Return a vector."""
        ...

    def part(self, name: str, first: int = 0, last: int | None = None) -> TensorPart:
        """Return rows of a matrix."""
        ...

    def one_vocabulary(self) -> str:
        """Name the matrix that is embedding and head at once, where the source has it twice and does not say so."""
        ...


class FolderSource:
    """A safetensors folder; raises ModelMissing, ModelCorrupt, ModelMismatch."""

    def __init__(self, folder: Path):
        self.raw = read_raw_config(folder)
        self.config, self.stored = read_model(folder)

    def has(self, name: str) -> bool:
        return name in self.stored

    def floats(self, name: str) -> Floats:
        return self.stored[name].floats().reshape(-1)

    def part(self, name: str, first: int = 0, last: int | None = None) -> TensorPart:
        kind, weight = self.stored[f"{name}.weight"]
        scale = self.floats(f"{name}.scale")[first:last] if f"{name}.scale" in self.stored else None
        return TensorPart(kind, weight[first:last], scale, None)

    def one_vocabulary(self) -> str:
        return ""


def take_in(path: Path, bits: int, out: Path, tell: Tell) -> dict[str, str]:
    """Write a decoder, a folder or a .gguf file, into `out` as the kernels read it, its tokenizer with it.

    Returns the licence that it states, if it states one. Raises ModelMissing, ModelCorrupt, ModelMismatch.
    """
    out.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        _copy_words(path, out)
        if ready.is_ready(read_raw_config(path)):
            _copy_ready(path, out, tell)
        else:
            convert(FolderSource(path), bits, out, tell)
        licence: Any = licence_of(path)
    else:
        licence = _convert_gguf(path, bits, out, tell)
    return {"licence": licence} if isinstance(licence, str) and licence else {}


def _convert_gguf(path: Path, bits: int, out: Path, tell: Tell) -> Any:
    tell("reading the head", 0, 1)
    file = GgufFile(path)
    words, fim = read_words(file.head.values, path)
    (out / "tokenizer.json").write_text(json.dumps(words, ensure_ascii=False), encoding="utf-8")
    if fim:
        file.raw["fim"] = fim
    tell("reading the head", 1, 1)
    convert(file, bits, out, tell)
    return file.head.values.get("general.license")


def convert(source: TensorSource, bits: int, out: Path, tell: Tell) -> None:
    """Write config.json and the weights of a source, matrices of layers in `bits`, embedding and head in 8."""
    if problem := ready.unfit(source.config):
        raise ModelMismatch(f"{problem}: leave the model where it is and name its folder, then torch computes")
    shared = source.one_vocabulary()
    _refuse_too_large(source.config, bits, out)
    raw = {**source.raw, "layout": LAYOUT} | ({"tie_word_embeddings": True} if shared else {})
    config = ModelConfig.from_dict(raw, out)
    (out / "config.json").write_text(json.dumps(raw, indent=2) + "\n", encoding="utf-8")
    rows = max(PIECE // config.hidden, -(-config.vocab // ready.SEGMENTS))
    rows = -(-rows // ready.UNIT) * ready.UNIT
    pieces = [
        (f"{name}.{n}", shared or theirs, first, min(first + rows, config.vocab))
        for name, theirs in list(packing.VOCABULARY.items())[: 1 if config.tied else 2]
        for n, first in enumerate(range(0, config.vocab, rows))
    ]
    of = config.layers + len(pieces)
    with ThreadPoolExecutor(WORKERS) as pool:
        rounding = _Rounding(source, pool)
        for done, layer in enumerate(range(config.layers)):
            tell("reading the weights", done, of)
            packing.write_file(out, f"layers-{layer:03}", rounding.layer(layer, bits))
        for done, (name, theirs, first, last) in enumerate(pieces, config.layers):
            tell("reading the weights", done, of)
            packing.write_file(out, name.replace(".", "-"), packing.arrays(name, rounding.rows(theirs, 8, first, last)))
    norms = {one.name: source.floats(one.theirs) for one in ready.vectors(config, config.layers)}
    packing.write_file(out, "norm", norms)
    if config.variant.has_positions:
        whole = source.floats(f"{canonical.POSITIONS}.weight").reshape(config.max_positions, config.hidden)
        packing.write_file(out, ready.POSITIONS, {ready.POSITIONS: whole})
    tell("reading the weights", of, of)


def _refuse_too_large(config: ModelConfig, bits: int, out: Path) -> None:
    layers = sum(rows * columns for rows, columns in ready.shapes(config).values()) * bits // 8
    needed = layers + config.vocab * config.hidden * (1 if config.tied else 2)
    if (free := shutil.disk_usage(out).free) < needed:
        raise InputError(f"{out} has {free / 1e6:,.0f} MB free, and the model takes {needed / 1e6:,.0f}")


class _Rounding:
    """Rounds matrices in blocks of rows, some at once."""

    def __init__(self, source: TensorSource, pool: ThreadPoolExecutor):
        self.source, self.pool = source, pool
        self.shapes = {one.name: (one.rows, one.columns) for one in canonical.matrices(source.config)}

    def layer(self, number: int, bits: int) -> dict[str, NDArray[Any]]:
        where = f"model.layers.{number}"
        found: dict[str, NDArray[Any]] = {}
        for what in packing.PARTS:
            names = [f"{where}.{part}" for part in packing.parts(what, self.source.config)]
            is_woven = len(names) == 2
            matrix = packing.joined([self.rows(name, bits) for name in names], is_woven)
            biases = [self.source.floats(f"{name}.bias") for name in names if self.source.has(f"{name}.bias")]
            if biases and is_woven:
                biases = [np.stack([one.reshape(-1, ready.LANES) for one in biases], 1).reshape(-1)]
            found |= packing.arrays(f"layers.{number}.{what}", matrix, np.concatenate(biases) if biases else None)
        for one in ready.vectors(self.source.config, number):
            found[one.name] = self.source.floats(one.theirs)
        return found

    def rows(self, name: str, bits: int, first: int = 0, last: int | None = None) -> LevelRows:
        """Return rows of a matrix, rounded."""
        bounds = list(self._blocks(name, first, last))
        blocks = self.pool.map(lambda at: packing.rounded(self.source.part(name, *at), bits), bounds)
        return packing.joined(list(blocks))

    def _blocks(self, name: str, first: int, last: int | None) -> Iterator[tuple[int, int]]:
        rows, columns = self.shapes[name]
        step = max(BLOCK // columns // ready.UNIT, 1) * ready.UNIT
        last = rows if last is None else last
        yield from ((at, min(at + step, last)) for at in range(first, last, step))


def _copy_words(folder: Path, out: Path) -> None:
    """Copy the tokenizer, its sentinels made special, and what tells of the model."""
    path = tokenizer_folder(folder) / "tokenizer.json"
    if not path.is_file():
        raise ModelMissing(
            f"{folder} has no tokenizer.json: with transformers, AutoTokenizer.from_pretrained(folder)."
            "save_pretrained(folder) writes one"
        )
    (out / "tokenizer.json").write_text(json.dumps(kept_apart(path), ensure_ascii=False), encoding="utf-8")
    for name in BESIDE:
        if (folder / name).is_file():
            shutil.copyfile(folder / name, out / name)


def _copy_ready(folder: Path, out: Path, tell: Tell) -> None:
    read_model(folder)  # it is what its config.json says
    files = [*shards(folder), *(one for name in ("config.json", packing.INDEX) if (one := folder / name).is_file())]
    for done, file in enumerate(files, 1):
        shutil.copyfile(file, out / file.name)
        tell("copying the weights", done, len(files))
    raw = read_raw_config(folder)
    if raw.pop("tokenizer_from", None):
        (out / "config.json").write_text(json.dumps(raw, indent=2) + "\n", encoding="utf-8")
