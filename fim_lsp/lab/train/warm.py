"""Where training starts: random weights, a safetensors folder (packed or not), or a GGUF file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from fim_lsp.checkpoints.config import read_config
from fim_lsp.errors import ModelMismatch, ModelMissing
from fim_lsp.lab.train.trunk import Trunk
from fim_lsp.nn.reference.quant import dense
from fim_lsp.nn.reference.tensors import read_tensors


def start(source: Path, layers: Iterable[int], own: tuple[int, ...], scratch: bool = False) -> Trunk:
    """Make a trunk of some of a model's layers, with its weights or, from scratch, with random ones; raises ModelError.

    `own` rows of the embedding are trained apart. They begin as the source's when that is an infiller, else as the
    mean of all rows, which means nothing in particular.
    """
    config, chosen = read_config(source), list(layers)
    if any(not 0 <= n < config.layers for n in chosen):
        raise ModelMismatch(f"{source} has layers 0 to {config.layers - 1}; --layers asks for {chosen}")
    trunk = Trunk(replace(config, layers=len(chosen)), own)
    if not scratch:
        _copy(trunk, dense(read_tensors(source)), chosen, source)
    if trunk.marks is not None:
        rows = trunk.embed_tokens.weight.data
        trunk.marks.data.copy_(rows[list(own)] if config.infill else rows.mean(0).expand_as(trunk.marks))
    return trunk


def _copy(trunk: Trunk, tensors: dict[str, Tensor], chosen: list[int], source: Path) -> None:
    for name, parameter in trunk.named_parameters():
        if name == "marks":
            continue
        parts = ["model", *name.split(".")] if not name.startswith("lm_head") else name.split(".")
        if parts[1] == "layers":
            parts[2] = str(chosen[int(parts[2])])
        if (tensor := tensors.get(".".join(parts))) is None:
            raise ModelMissing(f"{source} lacks {'.'.join(parts)}: copy the model folder again")
        parameter.data.copy_(tensor)
