"""A decoder put on the shelf: taken in, tried, and there whole or not at all."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fim_lsp.checkpoints.arrays import read_model
from fim_lsp.checkpoints.config import read_config
from fim_lsp.checkpoints.intake import Tell, take_in
from fim_lsp.checkpoints.shelf import MANIFEST, UNFINISHED, Shelved, checksums, get, is_name, shelf_folder
from fim_lsp.checkpoints.tokenizer import Tokenizer
from fim_lsp.errors import InputError

STALE_S = 24 * 3600.0  # an unfinished folder that old was left by a run that was killed
Check = Callable[[Path], dict[str, Any]]  # tries a finished folder; returns what to note of it, raises ModelError


def add(path: Path, name: str, bits: int, tell: Tell, check: Check, notes: dict[str, Any]) -> Shelved:
    """Take a decoder in under a name; it is there whole or not at all. Raises InputError, ModelError."""
    refuse_taken(name)
    with _unfinished() as folder:
        notes = {**notes, "bits": bits} | take_in(path, bits, folder, tell)
        sound(folder)
        notes |= check(folder)
        tell("noting checksums", 0, 1)
        notes |= {"added": datetime.now(UTC).isoformat(timespec="seconds"), "files": checksums(folder)}
        (folder / MANIFEST).write_text(json.dumps(notes, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        tell("noting checksums", 1, 1)
        refuse_taken(name)
        folder.rename(shelf_folder() / name)
    return get(name)


def sound(folder: Path) -> None:
    """Hold shapes and tokenizer against config.json; raises ModelMissing, ModelCorrupt, ModelMismatch."""
    read_model(folder)
    Tokenizer.from_folder(folder, read_config(folder).vocab)


def refuse_taken(name: str) -> None:
    """Raise InputError where a name is none, or is a model's already."""
    if not is_name(name):
        raise InputError(f"{name!r} is no name: letters, digits, points, dashes and underscores, 64 at most")
    if (shelf_folder() / name).exists():
        raise InputError(f"there is a model {name!r} already: fim-lsp models remove {name}, or give another --name")


@contextmanager
def _unfinished() -> Iterator[Path]:
    """Yield a new folder beside the models, which is gone in the end unless it was renamed."""
    shelf = shelf_folder()
    try:
        shelf.mkdir(parents=True, exist_ok=True)
        for left in shelf.glob(f"{UNFINISHED}*"):
            if time.time() - left.stat().st_mtime > STALE_S:
                shutil.rmtree(left, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=shelf))
    except OSError as problem:
        raise InputError(f"{shelf} cannot be written: {problem.strerror}") from None
    try:
        yield folder
    except OSError as problem:
        raise InputError(f"{problem.filename or folder}: {problem.strerror}; nothing was added") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
