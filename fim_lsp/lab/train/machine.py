"""What the machine is asked for: number type, compiled layers, an allocator that keeps its pages, a matmul rate."""

from __future__ import annotations

import ctypes
import logging
import math
import os
import shutil
import sys
import time
from contextlib import AbstractContextManager, nullcontext

import torch

from fim_lsp.compare.other_cpu_load import OtherCpuLoad
from fim_lsp.lab.train.batch import Trainable

log = logging.getLogger(__name__)
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # names of glibc's mallopt(3)


def autocast(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[object]:
    """Multiply in bfloat16 if that is the type, float32 weights either way."""
    return torch.autocast(device.type, dtype) if dtype is torch.bfloat16 else nullcontext()


def pick_dtype(width: int, device: torch.device, wanted: str = "") -> tuple[torch.dtype, float]:
    """Return the type `wanted`, or the faster of the two on this machine, and its FLOP/s by measurement."""
    dtypes = [getattr(torch, wanted)] if wanted else [torch.float32, torch.bfloat16]
    rates = {dtype: matmul_rate(width, device, dtype) for dtype in dtypes}
    best = max(rates, key=lambda dtype: rates[dtype])
    return best, rates[best]


def leave_room(other_load: OtherCpuLoad) -> None:
    """Use as many threads as there are cores nobody else used of late, at least one."""
    torch.set_num_threads(max(1, (os.cpu_count() or 1) - math.floor(other_load.busy_cores() + 0.6)))


def keep_pages() -> None:
    """Tell glibc not to return freed pages: a step frees and takes the same gigabyte (page faults cost a fifth)."""
    if sys.platform == "linux":
        try:
            libc = ctypes.CDLL("libc.so.6")
            libc.mallopt(M_MMAP_MAX, 0)
            libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
        except (OSError, AttributeError):
            log.info("no glibc: freed pages go back to the system, steps may be a little slower")


def compile_layers(trunk: Trainable, device: torch.device) -> bool:
    """Compile one layer, which serves them all; False with a message where there is no compiler."""
    if device.type == "cpu" and not any(map(shutil.which, ("c++", "g++", "clang++"))):
        log.warning("no C++ compiler found: the layers run uncompiled, about a tenth slower")
        return False
    for layer in trunk.layers:
        layer.compile(dynamic=False)
    return True


def matmul_rate(width: int, device: torch.device, dtype: torch.dtype, seconds: float = 0.5) -> float:
    """Measure FLOP/s of one large product."""
    a, b = (torch.randn(rows, width, dtype=dtype, device=device) for rows in (4096, 4 * width))
    torch.nn.functional.linear(a, b)
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        torch.nn.functional.linear(a, b)
        if device.type == "cuda":
            torch.cuda.synchronize()
        count += 1
    return count * 2 * a.shape[0] * a.shape[1] * b.shape[0] / (time.perf_counter() - began)


def step_flops(trunk: Trainable, positions: int, targets: int) -> float:
    """Estimate the FLOPs of forward and backward over `positions` of padded input and `targets` of output."""
    head = trunk.config.vocab * trunk.config.hidden
    wide = [p for p in trunk.parameters() if p.ndim == 2]
    matrices = sum(p.numel() for p in wide if len(p) != trunk.config.vocab)
    trained = any(p.requires_grad for p in wide if len(p) == trunk.config.vocab)
    return 6.0 * matrices * positions + (6.0 if trained else 4.0) * head * targets
