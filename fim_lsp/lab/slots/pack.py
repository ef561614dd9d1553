"""From trained factors to the folder that ships: int8 rows with a half-float scale each."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor

from fim_lsp.checkpoints.low_rank import MASK, SLOTS
from fim_lsp.nn.reference.tensors import pack as as_int8
from fim_lsp.nn.slots import Policy

FILE = "slots.safetensors"


def pack(trained: Path, trunk: Path, out: Path) -> Path:
    """Write slots.safetensors and config.json of slots beside a trunk; tables that config.json has are kept."""
    tensors = load_file(trained)
    found: dict[str, Tensor] = {MASK: tensors.pop(MASK).float()}
    for name, tensor in tensors.items():
        found[f"{name}.weight"], found[f"{name}.scale"] = as_int8(tensor)
    out.mkdir(parents=True, exist_ok=True)
    save_file(found, out / FILE)
    (out / FILE).chmod(0o644)
    _write_config(out, trunk, _rank(tensors))
    return out / FILE


def _write_config(out: Path, trunk: Path, rank: int) -> None:
    path, beside = out / "config.json", os.path.relpath(trunk, out)
    before = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    told = {"model_type": SLOTS, "trunk": beside, "tokenizer_from": beside, "rank": rank, SLOTS: asdict(Policy())}
    path.write_text(json.dumps(before | told, indent=2) + "\n", encoding="utf-8")


def _rank(tensors: Mapping[str, Tensor]) -> int:
    return next(len(tensor) for name, tensor in tensors.items() if name.endswith(".A"))
