"""Round a model layer by layer on prompts of its own kind; what was done is found again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from fim_lsp.lab.progress import StepProgress
from fim_lsp.lab.weights import rounding
from fim_lsp.lab.weights.prompts import CalibrationRow
from fim_lsp.lab.weights.rounding import Rounded
from fim_lsp.lab.weights.walk import State, Walk

BITS = 4  # of the layers' matrices; embedding and head are kept in 8


def calibrate(walk: Walk, prompts: Sequence[CalibrationRow], out: Path, tell: StepProgress) -> dict[str, Rounded]:
    """Return every matrix rounded, each on what the rounded ones before it make of the prompts.

    A file a layer lies in `out`; a run that was stopped goes on after the last one.
    """
    out.mkdir(parents=True, exist_ok=True)
    layers = walk.config.layers
    done = next((n for n in range(layers) if not (out / f"layer-{n:02}.safetensors").is_file()), layers)
    state = walk.begin(prompts)
    if done:
        state = state._replace(x=load_file(out / "state.safetensors")["x"])
    for number in range(done, layers):
        rounded, state = _layer(walk, number, state)
        save_file({"x": state.x.contiguous()}, out / "state.safetensors")
        save(rounded, out / f"layer-{number:02}.safetensors")
        tell("rounding layers", number + 1, layers)
    return assemble(walk, out)


def assemble(walk: Walk, out: Path) -> dict[str, Rounded]:
    """Return the matrices of a finished run by name, with embedding and head in 8 bits."""
    found = of_vocabulary(walk)
    for number in range(walk.config.layers):
        found |= load(out / f"layer-{number:02}.safetensors")
    return found


def of_vocabulary(walk: Walk) -> dict[str, Rounded]:
    """Return embedding and head in 8 bits."""
    names = ["model.embed_tokens"] + ([] if walk.config.tied else ["lm_head"])
    return {name: rounding.plain(walk.tensors[f"{name}.weight"], 8) for name in names}


def save(rounded: dict[str, Rounded], path: Path) -> None:
    """Write rounded matrices; the file appears whole or not at all."""
    tensors: dict[str, Tensor] = {}
    for name, one in rounded.items():
        tensors |= {f"{name}.levels": one.levels.contiguous(), f"{name}.step": one.step.contiguous()}
        if one.times is not None:
            tensors[f"{name}.times"] = one.times.contiguous()
    save_file(tensors, path.with_suffix(".part"), {"matrices": json.dumps(list(rounded))})
    path.with_suffix(".part").replace(path)


def load(path: Path) -> dict[str, Rounded]:
    """Read what `save` wrote."""
    with safe_open(path, "pt") as file:
        names = json.loads(file.metadata()["matrices"])
    tensors = load_file(path)
    parts = ("levels", "step", "times")
    return {name: Rounded(*(tensors.get(f"{name}.{part}") for part in parts)) for name in names}  # type: ignore[arg-type]


def _layer(walk: Walk, number: int, state: State) -> tuple[dict[str, Rounded], State]:
    rounded: dict[str, Rounded] = {}
    seen: list[Tensor] = []  # the inputs whose products were taken last: some matrices share theirs

    def visit(name: str, inputs: Tensor) -> Tensor:
        if not seen or seen[0] is not inputs:
            seen[:] = [inputs, rounding.mean_products(inputs)]
        rounded[name] = rounding.calibrated(walk.tensors[f"{name}.weight"], seen[1], BITS)
        walk.tensors[f"{name}.weight"] = rounded[name].dense().bfloat16()
        return walk.tensors[f"{name}.weight"]

    with torch.inference_mode():
        return rounded, walk.layer(number, state, visit)
