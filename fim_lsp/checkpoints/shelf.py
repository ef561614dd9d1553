"""The user's own decoders, each in a folder of the user's data folder and known by its name.

A server looks names up here before it can load anything, so nothing heavy is imported; `adding` is what needs more.
"""

from __future__ import annotations

import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from fim_lsp.checkpoints.fields import Table, read_json
from fim_lsp.errors import InputError, ModelCorrupt, ModelMissing
from fim_lsp.folders import data_folder

MANIFEST = "shelf.json"
UNFINISHED = ".adding-"  # how a folder's name begins while it is made
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Shelved:
    """One model of the shelf and what was noted when it was added."""

    folder: Path
    notes: Table

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def size(self) -> int:
        """Return the bytes of its files."""
        return size_of(self.folder)


def adapters_folder() -> Path:
    """Return the folder that holds the user's adapters; it need not be there."""
    return data_folder() / "adapters"


def shelf_folder() -> Path:
    """Return the folder that holds the user's models; it need not be there."""
    return data_folder() / "models"


def is_name(text: str) -> bool:
    """True for what could be a model's name, and is no path."""
    return NAME.fullmatch(text) is not None


def name_from(text: str) -> str:
    """Make a name of a file's, a folder's or a repository's."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:64] or "model"


def shelved() -> list[Shelved]:
    """List the models that are there, by name."""
    folder = shelf_folder()
    folders = sorted(folder.iterdir()) if folder.is_dir() else []
    return [_read(one) for one in folders if is_name(one.name) and (one / MANIFEST).is_file()]


def find(name: str) -> Path | None:
    """Return the folder of a model, None where there is none of that name."""
    folder = shelf_folder() / name
    return folder if is_name(name) and (folder / MANIFEST).is_file() else None


def get(name: str) -> Shelved:
    """Return a model; raises ModelMissing, which names those that are there."""
    if (folder := find(name)) is None:
        raise ModelMissing(f"there is no model {name!r}: {said()}")
    return _read(folder)


def said() -> str:
    """Say which models are there."""
    names = ", ".join(one.name for one in shelved())
    return f"fim-lsp models list has {names}" if names else "`fim-lsp models add` takes one"


def remove(name: str) -> None:
    """Take a model away; raises ModelMissing, InputError."""
    folder = get(name).folder
    try:
        away = folder.rename(
            folder.with_name(f"{UNFINISHED}{name}-{time.time_ns()}")
        )  # at once, whatever deleting takes
        shutil.rmtree(away)
    except OSError as problem:
        raise InputError(f"{folder} cannot be removed: {problem.strerror}; stop what uses it and try again") from None


def checksums(folder: Path) -> dict[str, str]:
    """Return SHA-256 of every file but the manifest."""
    import hashlib

    found = {}
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name != MANIFEST:
            with path.open("rb") as file:
                found[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def intact(model: Shelved) -> None:
    """Hold the files against the checksums that were noted; raises ModelCorrupt."""
    noted = model.notes.table("files")
    found = checksums(model.folder)
    for file in sorted(noted.raw.keys() | found.keys()):
        if file not in found:
            raise ModelCorrupt(f"{model.folder / file} is gone: {_again(model)}")
        if noted.raw.get(file) != found[file]:
            raise ModelCorrupt(f"{model.folder / file} is not as it was written: {_again(model)}")


def size_of(folder: Path) -> int:
    """Return the bytes of a folder's files."""
    return sum(file.stat().st_size for file in folder.iterdir() if file.is_file())


def _read(folder: Path) -> Shelved:
    return Shelved(folder, Table(read_json(folder / MANIFEST), str(folder / MANIFEST)))


def _again(model: Shelved) -> str:
    source = model.notes.raw.get("source", "PATH")
    return f"fim-lsp models remove {model.name}, then fim-lsp models add {source} --name {model.name}"
