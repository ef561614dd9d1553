"""Linear layers by the machine: int8 rows for single tokens, one wide copy for many."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

BLOCK = 32  # both sides of a matrix must be multiples of it for the int8 kernel
FEW = 8  # up to so many rows the int8 kernel is quicker than reading the wide weights


def pick_device() -> torch.device:
    """Return CUDA or Apple's MPS where torch sees one, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def pick_dtype(device: torch.device) -> torch.dtype:
    """Return bfloat16 where the hardware multiplies it, else float32."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    if device.type == "cpu":
        probe = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
        return torch.bfloat16 if probe() else torch.float32
    return torch.float32


class Linear:
    """y = x Wᵀ + b for x [rows, in] → [rows, out].

    `packed` int8 [out, in] with `scale` [out] serves up to FEW rows (weight-only int8, bandwidth-bound);
    `wide` [out, in] in the compute dtype serves the rest. Without `packed`, `wide` serves all.
    """

    __slots__ = ("bias", "packed", "scale", "wide")

    def __init__(self, wide: Tensor, packed: Tensor | None, scale: Tensor | None, bias: Tensor | None):
        self.wide, self.packed, self.scale, self.bias = wide, packed, scale, bias

    @classmethod
    def build(cls, parts: list[dict[str, Tensor]], dtype: torch.dtype, device: torch.device) -> Linear:
        """Stack projections that read the same input into one: each part has weight and maybe scale, bias."""
        wide = torch.cat([dequantise(part, dtype) for part in parts]).to(device)
        bias = torch.cat([part["bias"] for part in parts]).to(device, dtype) if "bias" in parts[0] else None
        if not all(fits_kernel(part, device) for part in parts):
            return cls(wide, None, None, bias)
        packed = torch.cat([part["weight"] for part in parts]).contiguous()
        scale = torch.cat([part["scale"] for part in parts]).to(dtype)
        return cls(wide, packed, scale, bias)

    def __call__(self, x: Tensor) -> Tensor:
        if self.packed is not None and self.scale is not None and x.shape[0] <= FEW:
            y: Tensor = torch._weight_int8pack_mm(x, self.packed, self.scale)
            return y if self.bias is None else y + self.bias
        return F.linear(x, self.wide, self.bias)


class Embedding:
    """Rows of the vocabulary, kept int8 when packed: looked up by id, and the tied output head."""

    def __init__(self, part: dict[str, Tensor], dtype: torch.dtype, device: torch.device):
        self.dtype = dtype
        self.packed = fits_kernel(part, device)
        self.weight = part["weight"].contiguous() if self.packed else dequantise(part, dtype).to(device)
        self.scale = part["scale"].to(dtype) if self.packed else None

    def rows(self, ids: Tensor) -> Tensor:
        """Return [ids, hidden]."""
        rows = self.weight[ids].to(self.dtype)
        return rows if self.scale is None else rows * self.scale[ids, None]

    def logits(self, x: Tensor) -> Tensor:
        """Return [rows, vocab] for x [rows, hidden]."""
        if self.scale is not None:
            y: Tensor = torch._weight_int8pack_mm(x, self.weight, self.scale)
            return y
        return F.linear(x, self.weight)


def is_packed(part: dict[str, Tensor]) -> bool:
    return part["weight"].dtype == torch.int8


def fits_kernel(part: dict[str, Tensor], device: torch.device) -> bool:
    """True where the int8 kernel may run: it works in blocks, and reads past the end of a ragged matrix."""
    return is_packed(part) and device.type == "cpu" and all(size % BLOCK == 0 for size in part["weight"].shape)


def scale_name(name: str) -> str:
    """Return under which name a matrix keeps the scale of its rows."""
    return f"{name.removesuffix('.weight')}.scale"


def dense(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return float32 tensors, rows of int8 matrices multiplied by their scales."""
    out = {}
    for name, tensor in tensors.items():
        if name.endswith(".scale"):
            continue
        part = {"weight": tensor}
        if tensor.dtype == torch.int8:
            part["scale"] = tensors[scale_name(name)]
        out[name] = dequantise(part, torch.float32)
    return out


def dequantise(part: dict[str, Tensor], dtype: torch.dtype) -> Tensor:
    """Return weight [out, in] in `dtype`, rows multiplied by their scale when packed."""
    if not is_packed(part):
        return part["weight"].to(dtype)
    return (part["weight"].float() * part["scale"].float()[:, None]).to(dtype)
