"""A model of the set on disk: config.json with its shape, int8 rows, the tokenizer one folder up."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from fim_lsp.checkpoints.config import read_raw_config
from fim_lsp.errors import ModelCorrupt, ModelMismatch
from fim_lsp.nn.reference.quant import dense
from fim_lsp.nn.reference.tensors import load_tensors
from fim_lsp.nn.study.bert import SmallBert
from fim_lsp.nn.study.gpt import SmallGpt
from fim_lsp.nn.study.network import Network, StudyShape
from fim_lsp.nn.study.recurrent import Recurrent
from fim_lsp.nn.study.seq2seq import EncoderDecoder

KINDS: dict[str, type[Network]] = {
    "rnn": Recurrent,
    "lstm": Recurrent,
    "encoder-decoder": EncoderDecoder,
    "small-gpt": SmallGpt,
    "small-bert": SmallBert,
}


def build(shape: StudyShape) -> Network:
    """Make a model with random weights; raises ModelMismatch."""
    if shape.kind not in KINDS:
        raise ModelMismatch(f"there is no {shape.kind!r} in the architecture study: {', '.join(KINDS)}")
    return KINDS[shape.kind](shape)


def shape_table(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what config.json says of the architecture; earlier models have it under `controlled`."""
    return config.get("study") or config.get("controlled") or {}


def load(folder: Path) -> Any:
    """Load a model of the study; raises ModelMissing, ModelCorrupt, ModelMismatch."""
    table = shape_table(read_raw_config(folder))
    if not table:
        raise ModelMismatch(f"{folder} is not of the architecture study: its config.json has no `study` table")
    network = build(StudyShape.read(table))
    try:
        network.load_state_dict(dense(load_tensors(folder)))
    except (RuntimeError, KeyError) as problem:
        raise ModelCorrupt(f"{folder} holds other weights than its config.json says: {problem}") from None
    return network.eval().to(torch.float32)
