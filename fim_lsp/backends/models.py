"""Find the weights: shipped in the wheel, in the repository, or wherever the user says."""

from __future__ import annotations

import json
from pathlib import Path

from fim_lsp.backends.routing import Table
from fim_lsp.errors import ModelMissing

PACKAGE = Path(__file__).resolve().parents[1]
SHIPPED = {"gpt": "qwen2.5-coder-0.5b"}  # folders that have another name than the family
CONTROLLED = ("rnn", "lstm", "encoder-decoder", "small-gpt", "small-bert")  # only for comparing architectures


def models_folder() -> Path:
    """Return the folder of shipped models, of an installed wheel or of a checkout; raises ModelMissing."""
    for folder in (PACKAGE / "_models", PACKAGE.parent / "models"):
        if folder.is_dir():
            return folder
    raise ModelMissing(f"no shipped models beside {PACKAGE}: reinstall fim-lsp, or set fimLsp.gpt.model to a folder")


def find_model(family: str, setting: str) -> Path:
    """Return the folder of a family's model: the user's if set, else the shipped one; raises ModelMissing."""
    if not setting:
        return models_folder() / ("controlled" if family in CONTROLLED else "") / SHIPPED.get(family, family)
    folder = Path(setting).expanduser()
    if not folder.is_dir():
        raise ModelMissing(f"fimLsp.{family}.model is {setting!r}, which is not a folder: correct the path or clear it")
    return folder


def read_table(family: str, setting: str) -> Table | None:
    """Read what was measured of a family's model, without loading it; None where nothing was, or nothing is there."""
    try:
        config = json.loads((find_model(family, setting) / "config.json").read_text(encoding="utf-8"))
        return Table.read(config.get("routing", {}))
    except (ModelMissing, OSError, ValueError, TypeError, AttributeError):
        return None  # loading the model will say what is wrong with it
