"""A model's files from a hub, by the package that knows how: only what is loaded is fetched."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

from fim_lsp.errors import ModelMismatch, ModelMissing

REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
WANTED = ["*.safetensors", "*.json", "tokenizer*", "README.md", "LICENSE*", "NOTICE*"]


def fetch(repository: str) -> Path:
    """Return the folder of a repository's safetensors, fetched where they are not here yet.

    Progress, going on after a break and HF_HUB_OFFLINE are the package's own. Raises ModelMissing, ModelMismatch.
    """
    hub = import_module("huggingface_hub")
    try:
        folder = Path(hub.snapshot_download(repository, allow_patterns=WANTED))
    except Exception as problem:  # of HTTP, of the cache, of a repository that is private, gated or not there
        said = (str(problem).strip() or repr(problem)).splitlines()[0]
        raise ModelMissing(f"{repository} cannot be fetched: {said}") from None
    if not list(folder.glob("*.safetensors")):
        raise ModelMismatch(
            f"{repository} has no safetensors: pickled weights can run code as they are read and are not loaded, "
            "and of a repository of .gguf files one is fetched by hand and given as a file"
        )
    return folder
