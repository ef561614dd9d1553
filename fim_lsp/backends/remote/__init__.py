"""The third family: a model behind a server that the user named, asked over HTTP; docs/remote.md."""

from __future__ import annotations

from pathlib import Path

from fim_lsp.backends.base import ModelRequest
from fim_lsp.backends.remote.backend import RemoteBackend


def load(folder: Path, wanted: ModelRequest) -> RemoteBackend:
    """Get ready to ask the server, without asking it yet; raises ModelMismatch."""
    return RemoteBackend(wanted.endpoint)
