"""Checkpoints as torch tensors: safetensors, nothing pickled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open

from fim_lsp.checkpoints import ready
from fim_lsp.checkpoints.arrays import Arrays
from fim_lsp.checkpoints.config import EMBEDDING, read_config, read_raw_config, shards
from fim_lsp.checkpoints.marks import Marks
from fim_lsp.errors import ModelCorrupt


def read_tensors(folder: Path) -> dict[str, torch.Tensor]:
    """Read all tensors of a folder by name; raises ModelMissing, ModelCorrupt."""
    if ready.is_ready(read_raw_config(folder)):
        stored = Arrays.from_folder(folder).stored
        return {name: torch.from_numpy(np.array(one.array)) for name, one in stored.items()}
    tensors = dict(_read(folder))
    if (marks := tensors.pop("marks.weight", None)) is not None:
        _put_rows(tensors, read_config(folder).infill, marks)
    return tensors


def _read(folder: Path) -> Iterator[tuple[str, torch.Tensor]]:
    for path in shards(folder):
        try:
            with safe_open(path, framework="pt") as shard:
                for name in shard.keys():  # noqa: SIM118 - safe_open is not a mapping
                    yield name, shard.get_tensor(name)
        except (SafetensorError, OSError, ValueError) as problem:
            raise ModelCorrupt(f"{path} is truncated or damaged ({problem}): copy the model folder again") from None


def _put_rows(tensors: dict[str, torch.Tensor], infill: Mapping[str, Any], rows: torch.Tensor) -> None:
    """Put an infiller's own rows into the embedding; in int8 they bring their own scale."""
    weight, scale = tensors[f"{EMBEDDING}.weight"], tensors.get(f"{EMBEDDING}.scale")
    ids = list(Marks.read(infill).own)
    if scale is not None:
        rows, scale[ids] = pack(rows, scale.dtype)
    weight[ids] = rows.to(weight.dtype)


def pack(matrix: torch.Tensor, scale_dtype: torch.dtype = torch.float16) -> tuple[torch.Tensor, torch.Tensor]:
    """Return int8 rows and the scale of each, the largest entry becoming 127."""
    scale = (matrix.float().abs().amax(1) / 127).clamp_min(1e-8).to(scale_dtype)
    return (matrix.float() / scale.float()[:, None]).round().clamp(-127, 127).to(torch.int8), scale
