"""What the benchmarks beside llama.cpp share: its weights, and what is being measured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fim_lsp.cli.base import waiting


def q8_weights() -> Path:
    """Return the shipped decoder as a Q8_0 GGUF, written into the user's cache the first time; raises FimError."""
    import platformdirs

    from fim_lsp.checkpoints.catalogue import find_model
    from fim_lsp.errors import InputError

    source = find_model("gpt", "")
    folder = platformdirs.user_cache_path("fim-lsp") / f"gpt-q8_0-{_fingerprint(source)}"
    file = folder / "model.gguf"
    if not file.is_file():
        fresh = folder.with_name(folder.name + ".new")
        try:
            from fim_lsp.lab.train import export

            with waiting(f"writing {file}"):
                made = export.export(source, "gguf", fresh, matrix_type="q8_0")
        except ImportError as missing:
            command = f"fim-lsp train export {source} --to gguf --type q8_0 --out FOLDER"
            raise InputError(
                f"llama-server needs our weights as GGUF, and to write it {missing.name} is missing: "
                f"pip install 'fim-lsp[lab]', or run `{command}` where it is and give --gguf FOLDER/model.gguf"
            ) from None
        folder.mkdir(parents=True, exist_ok=True)
        Path(made["file"]).replace(file)
        fresh.rmdir()
    return file


def _fingerprint(folder: Path) -> str:
    """Return a name that changes when a model's files do."""
    import hashlib

    files = sorted(path for path in folder.iterdir() if path.is_file())
    listing = "\n".join(f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files)
    return hashlib.sha256(listing.encode()).hexdigest()[:8]


@contextmanager
def reporting_progress() -> Iterator[Any]:
    """Yield a function that shows what is being done."""
    with waiting("measuring") as status:
        yield lambda what: status.update(f"{what} …")
