"""A run on disk: run.json says what it is, checkpoint.safetensors holds weights, moments and position."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from fim_lsp.errors import ModelMissing
from fim_lsp.lab.train.batch import Trainable

FILE = "checkpoint.safetensors"
MOMENTS = ("exp_avg", "exp_avg_sq")


def save(run: Path, trunk: Trainable, optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Write all of it, whole or not at all: to a file beside, then renamed over the last one."""
    tensors: dict[str, Tensor] = {}
    for name, parameter in trunk.named_parameters():
        if not parameter.requires_grad:
            continue  # frozen: it is still where the run started from
        tensors[f"weight/{name}"] = parameter.data
        for moment in MOMENTS:
            if moment in (known := optimizer.state.get(parameter, {})):
                tensors[f"{moment}/{name}"] = known[moment]
    beside = run / f"{FILE}.part"
    save_file({n: t.detach().contiguous() for n, t in tensors.items()}, beside, {"state": json.dumps(state)})
    beside.replace(run / FILE)


def load(run: Path, trunk: Trainable, optimizer: torch.optim.Optimizer | None = None) -> dict[str, Any]:
    """Bring a trunk, and an optimizer, to the last checkpoint and return its state; raises ModelMissing."""
    path = run / FILE
    if not path.is_file():
        raise ModelMissing(f"{path} does not exist: the run was not started, or died before its first checkpoint")
    with safe_open(path, framework="pt") as file:
        state: dict[str, Any] = json.loads(file.metadata()["state"])
        stored = set(file.keys())
        for name, parameter in trunk.named_parameters():
            if f"weight/{name}" not in stored:
                continue
            parameter.data.copy_(file.get_tensor(f"weight/{name}"))
            if optimizer is not None and f"{MOMENTS[0]}/{name}" in stored:
                moments = {m: file.get_tensor(f"{m}/{name}").to(parameter.device) for m in MOMENTS}
                optimizer.state[parameter] = {"step": torch.tensor(float(state["step"])), **moments}
    return state
