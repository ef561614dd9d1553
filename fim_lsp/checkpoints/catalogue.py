"""Find the weights: in the clone, in the data wheels of `fim-lsp[weights]`, or wherever the user says."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from fim_lsp import __version__
from fim_lsp.checkpoints import shelf
from fim_lsp.errors import ModelMissing

PACKAGE = Path(__file__).resolve().parents[1]
SHIPPED = {"gpt": "qwen2.5-coder-0.5b", "bert": "infiller"}  # folders that have another name than the family
WEIGHTS = "fim_lsp_weights"  # a namespace: several wheels install into one folder
REMEDY = "pip install 'fim-lsp[weights]', or in a clone pip install . ./models, and restart fim-lsp"
MARK = re.compile(r"part-(\d+)-of-(\d+)\.txt")  # each data wheel leaves one, its version inside; models/release.py
STUDY_FAMILIES = ("rnn", "lstm", "encoder-decoder", "small-gpt", "small-bert")  # only for comparing architectures


def models_folder() -> Path:
    """Return the folder of shipped models, a clone's or else the complete one installed; raises ModelMissing."""
    clone = PACKAGE.parent / "models"
    if (clone / SHIPPED["gpt"] / "config.json").is_file():  # site-packages may hold a `models` of somebody else's
        return clone
    installed = _installed()
    lacking = {folder: missing for folder in installed if (missing := _missing(folder)) is not None}
    if lacking:
        folder, missing = min(lacking.items(), key=lambda item: len(item[1]))
        if not missing:
            return folder
        remedy = f"pip install --force-reinstall --no-deps {' '.join(missing)}, and restart fim-lsp"
        raise ModelMissing(f"the weights in {folder} are incomplete: {remedy}")
    if marked := [folder for folder in installed if any(folder.glob("part-*.txt"))]:
        raise ModelMissing(f"the weights in {marked[0]} are not those of fim-lsp {__version__}: {REMEDY}")
    raise ModelMissing(f"the weights are not installed: {REMEDY}; or set fimLsp.gpt.model to a model's folder")


def find_model(family: str, setting: str) -> Path:
    """Return the folder of a family's model: the user's if set, else the shipped one; raises ModelMissing.

    A decoder's setting may be a name of `fim-lsp models list`; a folder that lies where the program runs and has
    the same name is meant with `./` before it.
    """
    if not setting:
        return models_folder() / ("study" if family in STUDY_FAMILIES else "") / SHIPPED.get(family, family)
    if family == "gpt" and (kept := shelf.find(setting)) is not None:
        return kept
    folder = Path(setting).expanduser()
    if not folder.is_dir():
        also = f", nor a model's name ({shelf.said()})" if family == "gpt" else ""
        raise ModelMissing(
            f"fimLsp.{family}.model is {setting!r}, which is not a folder{also}: correct the path or clear it"
        )
    return folder


def _installed() -> list[Path]:
    """List the folders that data wheels were installed into, in the order of sys.path."""
    spec = importlib.util.find_spec(WEIGHTS)
    return [Path(entry) for entry in (spec.submodule_search_locations or ())] if spec else []


def _missing(folder: Path) -> list[str] | None:
    """Name the data wheels a folder lacks, none when it is complete; None when it holds no part of this version."""
    there: dict[int, set[int]] = {}
    for path in folder.glob("part-*.txt"):
        found = MARK.fullmatch(path.name)
        if found and path.read_text(encoding="utf-8").strip() == __version__:
            there.setdefault(int(found[2]), set()).add(int(found[1]))
    lacking = [[part for part in range(1, parts + 1) if part not in there[parts]] for parts in there]
    return [f"fim-lsp-weights-{part}=={__version__}" for part in min(lacking, key=len)] if lacking else None
