"""The machine that a figure was measured on."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

FEATURES = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16", "amx_int8", "asimd", "i8mm", "bf16")


def describe() -> dict[str, Any]:
    """Return processor, cores and instruction sets; where torch is installed, also what it computes with."""
    name, flags = _processor()
    found = {
        "processor": name,
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "features": [feature for feature in FEATURES if feature in flags],
    }
    return found | _as_torch_sees_it() if find_spec("torch") else found


def _as_torch_sees_it() -> dict[str, Any]:
    import torch

    return {
        "threads": torch.get_num_threads(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "device": "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu",
    }


def pin(threads: int) -> None:
    """Compute with so many threads from now on, by torch and by models yet to be loaded; 0 keeps one for each core."""
    import torch

    if threads:
        torch.set_num_threads(threads)
        os.environ["FIM_LSP_THREADS"] = str(threads)


def peak() -> dict[str, float]:
    """Measure what memory gives when read, GB/s, and the fastest product of two 1024 × 1024 matrices, 10⁹ op/s."""
    import torch

    big = torch.ones(128 << 20)
    square = torch.ones(1024, 1024)
    half, small = square.bfloat16(), square.to(torch.int8)
    products = {
        "float32": lambda: square @ square,
        "bfloat16": lambda: half @ half,
        "int8": lambda: torch._int_mm(small, small),
    }
    rates = {f"{name}_gop_s": 2 * 1024**3 / _least(run) / 1e9 for name, run in products.items()}
    read = big.nbytes / _least(big.sum) / 1e9
    return {
        "read_gb_s": round(read, 1),
        **{n: round(r, 1) for n, r in rates.items()},
        "matmul_gop_s": max(rates.values()),
    }


def _least(run: Callable[[], object], repeats: int = 7) -> float:
    """Return the shortest of some runs, in seconds."""
    spent = []
    for _ in range(repeats):
        began = time.perf_counter()
        run()
        spent.append(time.perf_counter() - began)
    return min(spent)


def _processor() -> tuple[str, set[str]]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # only Linux has it; torch says the rest
        return platform.processor() or "unknown", set()
    rows = [(key.strip(), value.strip()) for line in lines for key, _, value in [line.partition(":")]]
    name = next((value for key, value in rows if key == "model name"), platform.processor() or "unknown")
    return name, {word for key, value in rows if key in ("flags", "Features") for word in value.split()}
