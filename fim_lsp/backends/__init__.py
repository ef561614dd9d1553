"""The model families behind one seam; `create` loads one, and only then imports what it needs."""

from __future__ import annotations

from pathlib import Path

from fim_lsp.backends.base import Backend, Wanted
from fim_lsp.checkpoints.catalogue import CONTROLLED, find_model
from fim_lsp.errors import ModelMismatch

__all__ = ["Wanted", "create"]

SHIPPED = Wanted()


def create(family: str, wanted: Wanted = SHIPPED) -> Backend:
    """Load the backend of a family; raises ModelError."""
    folder: Path = find_model(family, wanted.model)
    if family == "gpt":
        from fim_lsp.backends.gpt import GptBackend

        return GptBackend.from_folder(folder, wanted.bits, wanted.cache_mb)
    if family == "bert":
        from fim_lsp.backends.bert import BertBackend

        return BertBackend.from_folder(folder)
    if family in CONTROLLED:
        try:
            from fim_lsp.backends import baselines
        except ModuleNotFoundError as missing:
            raise ModelMismatch(f"{family} needs {missing.name}: pip install 'fim-lsp[torch]'") from None

        return baselines.from_folder(folder)
    raise ModelMismatch(f"there is no backend named {family!r} in this version; use gpt or bert")
