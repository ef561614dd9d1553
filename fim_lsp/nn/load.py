"""Which of the two computes: the compiled kernels where they can run a model, torch where they cannot."""

from __future__ import annotations

import logging
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from fim_lsp.checkpoints.config import read_config
from fim_lsp.checkpoints.ready import unfit
from fim_lsp.errors import ModelMismatch
from fim_lsp.nn.native import library
from fim_lsp.nn.native.layers import NativeDecoder, NativeEncoder

if TYPE_CHECKING:
    from fim_lsp.checkpoints.tokenizer import Tokenizer
    from fim_lsp.nn.decode import Model
    from fim_lsp.nn.infill import SpanModel
    from fim_lsp.nn.reference.masked_lm import MaskedLM

NVIDIA = Path("/dev/nvidiactl")  # there where the driver is

logger = logging.getLogger(__name__)


def load_decoder(folder: Path, bits: int = 8) -> Model:
    """Load a causal language model, its weights in 8 or 4 bits; raises ModelMissing, ModelCorrupt, ModelMismatch."""
    if kernels := _kernels_for(folder):
        return NativeDecoder.from_folder(folder, kernels, bits)
    if bits != 8:
        logger.warning("%s: only the compiled kernels hold weights in %d bits; they stay in 8", folder, bits)
    return _by_torch("transformer", folder).Decoder.from_folder(folder)  # type: ignore[no-any-return]


def load_encoder(folder: Path) -> SpanModel:
    """Load an infiller of ours; raises ModelMissing, ModelCorrupt, ModelMismatch."""
    if kernels := _kernels_for(folder):
        return NativeEncoder.from_folder(folder, kernels)
    return _by_torch("transformer", folder).TorchEncoder.from_folder(folder)  # type: ignore[no-any-return]


def load_masked_lm(folder: Path) -> tuple[MaskedLM, Tokenizer]:
    """Load a published encoder with its tokenizer; raises ModelCorrupt, ModelMismatch."""
    return _by_torch("masked_lm", folder).MaskedLM.from_folder(folder)  # type: ignore[no-any-return]


def _by_torch(module: str, folder: Path) -> ModuleType:
    """Import a module of nn/reference; raises ModelMismatch where torch is not installed."""
    try:
        return import_module(f"fim_lsp.nn.reference.{module}")
    except ModuleNotFoundError as missing:
        raise ModelMismatch(
            f"{folder} is computed by torch here, and {missing.name} is not installed: pip install 'fim-lsp[torch]'"
            f"{'' if library.chosen() else ', or with a C compiler python -m fim_lsp.nn.native.build'}"
        ) from None


def _has_gpu() -> bool:
    """True where torch has an NVIDIA GPU to compute on; without a driver it is not asked, for that takes a second."""
    if not NVIDIA.exists() or find_spec("torch") is None:
        return False
    import torch

    return torch.cuda.is_available()


def _kernels_for(folder: Path) -> str | None:
    kernels = None if _has_gpu() else library.chosen()
    if kernels and (problem := unfit(read_config(folder))):
        logger.warning("%s: %s, so torch computes, which is slower", folder, problem)
        return None
    return kernels
