"""Load mutated folders, complete with those that load: `python -m tests.unit.checkpoints.fuzz.child ROOT FIRST LAST`.

Says each seed before it is tried, so that the last line of a process that died names what killed it.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path

from fim_lsp.backends.bert import BertBackend
from fim_lsp.backends.gpt import GptBackend
from fim_lsp.domain import Cancel, FimRequest, Meter, Plan
from fim_lsp.errors import FimError
from fim_lsp.nn.native import library
from tests.unit.checkpoints.fuzz.mutate import mutate

LAYOUTS = ("floats", "rows", "ready", "infiller", "rows", "ready", "floats", "ready", "gguf", "rows")
BY_TORCH = 5  # one seed in so many
REQUEST = ("def f(x):\n    return ", "\n")


def complete(folder: Path, layout: str) -> None:
    """Load a folder as the server does and complete two tokens."""
    if layout == "gguf":
        from fim_lsp.lab.train import gguf_file

        gguf_file.unpack(folder / "model.gguf", folder / "unpacked")
        shutil.copy(folder / "tokenizer.json", folder / "unpacked")
        folder = folder / "unpacked"
    backend = BertBackend.from_folder(folder) if layout == "infiller" else GptBackend.from_folder(folder)
    request = FimRequest(REQUEST, Plan(max_tokens=2), path="a.py")
    for drafts in backend.generate(request, Cancel(), Meter()):
        list(drafts)


def run_one(root: Path, seed: int) -> str:
    """Try one seed and return what came of it: loaded, the error's name, or a fault."""
    layout = LAYOUTS[seed % len(LAYOUTS)]
    os.environ[library.CHOICE] = "torch" if seed // len(LAYOUTS) % BY_TORCH == 0 else ""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / layout
        shutil.copytree(root / layout, folder)
        print(f"{seed} {layout} {os.environ[library.CHOICE]} {mutate(folder, seed)!r}", end=" ", flush=True)
        try:
            complete(folder, layout)
        except FimError as told:
            return type(told).__name__ if os.environ.get("TERSE") else f"{type(told).__name__}: {told}"
        except BaseException as fault:  # a panic of the tokenizers is no Exception
            return f"FAULT {type(fault).__name__}: {fault}"
    return "loaded"


def main(root: Path, seeds: range) -> None:
    warnings.simplefilter("ignore")
    seen: Counter[str] = Counter()
    for seed in seeds:
        result = run_one(root, seed)
        print(result.replace("\n", " "), flush=True)
        seen[result.split(":")[0].split(" ")[0]] += 1
    print("done", dict(seen), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), range(int(sys.argv[2]), int(sys.argv[3])))
