"""The families behind the seam, a file and a line each; a family's file is imported when it is first loaded."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from fim_lsp.backends.base import Backend, ModelRequest
from fim_lsp.checkpoints.catalogue import STUDY_FAMILIES, find_model
from fim_lsp.errors import ModelMismatch

FAMILIES = {  # name: the module whose `load(folder, wanted)` makes its backend
    "gpt": "fim_lsp.backends.gpt",
    "bert": "fim_lsp.backends.bert",
    "remote": "fim_lsp.backends.remote",
    **dict.fromkeys(STUDY_FAMILIES, "fim_lsp.backends.baselines"),
}
ELSEWHERE = ("remote",)  # families without a folder
EXTRAS = {"remote": "remote"}  # what to install for a family that needs more; the others need torch
SHIPPED = ModelRequest()


def create(family: str, wanted: ModelRequest = SHIPPED) -> Backend:
    """Load the backend of a family; raises ModelError."""
    if family not in FAMILIES:
        raise ModelMismatch(f"there is no backend named {family!r} in this version: use {' or '.join(FAMILIES)}")
    folder = Path() if family in ELSEWHERE else find_model(family, wanted.model)
    try:
        module = import_module(FAMILIES[family])
    except ModuleNotFoundError as missing:
        raise ModelMismatch(
            f"{family} needs {missing.name}: pip install 'fim-lsp[{EXTRAS.get(family, 'torch')}]'"
        ) from None
    backend: Backend = module.load(folder, wanted)
    return backend
