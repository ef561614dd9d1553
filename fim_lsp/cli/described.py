"""What is said of each decoder that is here, without loading one."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from fim_lsp.backends.base import ModelRequest
from fim_lsp.checkpoints import ready, shelf
from fim_lsp.checkpoints.catalogue import SHIPPED, find_model, models_folder
from fim_lsp.checkpoints.config import ModelConfig, read_config, read_raw_config
from fim_lsp.checkpoints.files import held_in
from fim_lsp.checkpoints.formats import Format
from fim_lsp.checkpoints.licence import licence_of
from fim_lsp.checkpoints.tokenizer import Tokenizer
from fim_lsp.errors import ModelError, ModelMissing


class Described(NamedTuple):
    """A line of `fim-lsp models list`."""

    name: str
    folder: str
    architecture: str
    size: int  # bytes on disk
    bits: str
    format: str
    context: int  # tokens a prompt may take; 0 of what is no decoder
    memory: int  # bytes while it completes: its files, mapped, and what is kept of places
    licence: str
    source: str
    is_shipped: bool
    is_used: bool


def every(chosen: str) -> list[Described]:
    """Describe what is shipped, then what was added; `chosen` is the setting that names a decoder."""
    try:
        used = find_model("gpt", chosen).resolve()
    except ModelMissing:
        used = Path()
    try:
        shipped = [models_folder() / name for name in SHIPPED.values()]
    except ModelMissing:
        shipped = []
    rows = [describe(folder, used) for folder in shipped]
    for model in shelf.shelved():
        source = str(model.notes.raw.get("source", ""))
        licence = str(model.notes.raw.get("licence", ""))
        rows.append(describe(model.folder, used)._replace(is_shipped=False, source=source, licence=licence))
    return rows


def one(name: str) -> Described:
    """Describe a model by its name; raises ModelMissing, which names those that are there."""
    rows = every("")
    found = next((row for row in rows if row.name == name), None)
    if found is None:
        raise ModelMissing(f"there is no model {name!r}: there are {', '.join(row.name for row in rows) or 'none'}")
    return found


def describe(folder: Path, used: Path) -> Described:
    """Describe a folder of a shipped or an added model; one that is damaged says so."""
    size = shelf.size_of(folder)
    memory = size + (ModelRequest().cache_mb << 20)
    row = Described(
        folder.name, str(folder), "", size, "", "", 0, memory, licence_of(folder), "", True, folder.resolve() == used
    )
    try:
        raw = read_raw_config(folder)
        if raw.get("model_type") == "slots":
            return row._replace(architecture="slots beside the decoder", format="slots")
        config = read_config(folder)
        tokenizer = Tokenizer.from_folder(folder, config.vocab)
        form = Format.read(config.fim, tokenizer.sentinel)
    except ModelError as problem:
        return row._replace(architecture=f"cannot be read: {problem}")
    return row._replace(
        architecture=f"{raw['model_type']}, {_weights(config) / 1e9:.1f} B",
        bits=_bits(folder),
        format=form.order if form.order != "prefix-only" else "not recognised",
        context=config.max_positions,
    )


def _weights(config: ModelConfig) -> int:
    layers = sum(rows * columns for rows, columns in ready.shapes(config).values())
    return layers + config.vocab * config.hidden * (1 if config.tied else 2)


def _bits(folder: Path) -> str:
    return "4" if any(name.endswith(".times") for name in held_in(folder)) else "8"
