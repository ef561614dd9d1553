"""Checkpoints as torch tensors: the arrays of checkpoints/, seen by torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from fim_lsp.checkpoints.arrays import Arrays
from fim_lsp.checkpoints.files import Stored, stored_in


def read_tensors(folder: Path) -> dict[str, torch.Tensor]:
    """Read all tensors of a decoder or an infiller by name; raises ModelMissing, ModelCorrupt, ModelMismatch."""
    return as_tensors(Arrays.from_folder(folder).stored)


def load_tensors(folder: Path) -> dict[str, torch.Tensor]:
    """Read all tensors of a folder by name, whatever they are; raises ModelMissing, ModelCorrupt."""
    return as_tensors(stored_in(folder))


def as_tensors(stored: Mapping[str, Stored]) -> dict[str, torch.Tensor]:
    """Copy arrays into tensors of their kind."""
    return {name: _tensor(one) for name, one in stored.items()}


def _tensor(one: Stored) -> torch.Tensor:
    if one.kind == "BF16":
        return torch.from_numpy(np.array(one.array).view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(np.array(one.array))


def pack(matrix: torch.Tensor, scale_dtype: torch.dtype = torch.float16) -> tuple[torch.Tensor, torch.Tensor]:
    """Return int8 rows and the scale of each, the largest entry becoming 127."""
    scale = (matrix.float().abs().amax(1) / 127).clamp_min(1e-8).to(scale_dtype)
    return (matrix.float() / scale.float()[:, None]).round().clamp(-127, 127).to(torch.int8), scale
