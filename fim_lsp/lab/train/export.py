"""From a run to a folder others read: packed int8 as the shipped models, a transformers folder, or a GGUF file."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fim_lsp.checkpoints.config import read_raw_config, tokenizer_folder
from fim_lsp.errors import ConfigError
from fim_lsp.lab.train import gguf_file, runs
from fim_lsp.lab.train.folder import write_folder
from fim_lsp.lab.train.runs import Record
from fim_lsp.lab.train.trunk import Trunk
from fim_lsp.nn.reference.quant import scale_name
from fim_lsp.nn.reference.tensors import pack

TOKENIZER = ("tokenizer.json", "tokenizer_config.json")


def export(run: Path, kind: str, out: Path, matrix_type: str = "f16") -> dict[str, Any]:
    """Write the run's weights as `packed`, `transformers` or `gguf` and return what was written; raises FimError.

    `matrix_type` is how a GGUF holds its matrices, one of `gguf_file.TYPES`.
    """
    record, trunk, state = runs.load(run)
    out.mkdir(parents=True, exist_ok=True)
    tensors, config = named_tensors(trunk), _config(record, trunk)
    report = {"kind": kind, "out": str(out), "step": state["step"], "tokens": state["tokens"]}
    if kind == "gguf":
        if record.family != "gpt":
            raise ConfigError("GGUF is for decoders: no GGUF runtime looks both ways; use --to packed or transformers")
        return report | {"file": str(gguf_file.write(out, tensors, config, Path(record.source), matrix_type))}
    if kind == "transformers":
        write_folder(out, {name: tensor.clone() for name, tensor in tensors.items()}, config)
    elif kind == "packed":
        if trunk.marks is not None:
            tensors["marks.weight"] = trunk.marks.data
        write_folder(out, packed(tensors), config)
    else:
        raise ConfigError(f"--to {kind}: give packed, transformers or gguf")
    for name in TOKENIZER:
        if (file := tokenizer_folder(Path(record.source)) / name).is_file():
            shutil.copy(file, out)
    return report | {"bytes": sum(file.stat().st_size for file in out.iterdir())}


def named_tensors(trunk: Trunk) -> dict[str, Tensor]:
    """Return weights under the names of a transformers folder, an infiller's marks in their rows."""
    state = {name: tensor.detach().cpu() for name, tensor in trunk.state_dict().items()}
    marks = state.pop("marks", None)
    if marks is not None:
        state["embed_tokens.weight"] = state["embed_tokens.weight"].clone()
        state["embed_tokens.weight"][list(trunk.own)] = marks
    return {name if name.startswith("lm_head") else f"model.{name}": tensor for name, tensor in state.items()}


def packed(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return matrices as int8 rows with a scale each, vectors as bfloat16."""
    out = {}
    for name, tensor in tensors.items():
        if tensor.ndim == 2 and name != "marks.weight":
            out[name], out[scale_name(name)] = pack(tensor)
        else:
            out[name] = tensor.to(torch.bfloat16)
    return out


def _config(record: Record, trunk: Trunk) -> dict[str, Any]:
    config = read_raw_config(Path(record.source)) | {"num_hidden_layers": trunk.config.layers}
    if record.family == "bert":
        marks = runs.marks_of(Path(record.source))
        config["infill"] = {"begin": marks.begin, "mask": marks.mask, "delete": marks.delete, "expand": marks.expand}
        for theirs in ("fim", "confidence", "routing"):  # the decoder's: this model's are yet to be measured
            config.pop(theirs, None)
    else:
        config.setdefault("fim", runs.FIM)
    return config
