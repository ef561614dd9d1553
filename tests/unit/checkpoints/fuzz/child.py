"""Load mutated folders, complete with those that load: `python -m tests.unit.checkpoints.fuzz.child FIRST LAST [ROOT]`.

Says each seed before it is tried, so that the last line of a process that died names what killed it.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

from safetensors.numpy import save_file

from fim_lsp.backends.bert import BertBackend
from fim_lsp.backends.gpt import GptBackend
from fim_lsp.checkpoints import gguf
from fim_lsp.domain import Cancel, FimRequest, GenerationLimits, Meter
from fim_lsp.errors import ModelError
from fim_lsp.nn.native import library
from tests.unit.checkpoints.fuzz import folders
from tests.unit.checkpoints.fuzz.mutate import mutate

LAYOUTS = ("floats", "rows", "ready", "infiller", "rows", "ready", "floats", "ready", "gguf", "rows")
BY_TORCH = 5  # one seed in so many
REQUEST = ("def f(x):\n    return ", "\n")
FAULT, LOADED = "FAULT", "loaded"


def complete(folder: Path, layout: str) -> None:
    """Load a folder as the server does and complete two tokens."""
    if layout == "gguf":
        raw, tensors = gguf.read(folder / "model.gguf")
        (folder / "config.json").write_text(json.dumps(raw))
        save_file(tensors, folder / "model.safetensors")
    backend = BertBackend.from_folder(folder) if layout == "infiller" else GptBackend.from_folder(folder)
    request = FimRequest(REQUEST, GenerationLimits(max_tokens=2), path="a.py")
    for drafts in backend.generate(request, Cancel(), Meter()):
        list(drafts)


def run_one(root: Path, seed: int) -> str:
    """Try one seed and return what came of it: loaded, the error's name, or a fault."""
    layout = LAYOUTS[seed % len(LAYOUTS)]
    os.environ[library.CHOICE] = "torch" if seed // len(LAYOUTS) % BY_TORCH == 0 else ""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / layout
        shutil.copytree(root / layout, folder)
        print(seed, layout, os.environ[library.CHOICE], ascii(mutate(folder, seed)), end=" -> ", flush=True)
        try:
            complete(folder, layout)
        except ModelError as told:
            return f"{type(told).__name__}: {told}"
        except BaseException as fault:  # a panic of the tokenizers is no Exception
            return f"{FAULT} {type(fault).__name__}: {fault}"
    return LOADED


def main(first: int, last: int, root: Path | None = None) -> None:
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as scratch:
        if root is None:
            root = Path(scratch)
            folders.write_all(root)
        for seed in range(first, last):
            print(ascii(run_one(root, seed)), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *map(Path, sys.argv[3:]))
