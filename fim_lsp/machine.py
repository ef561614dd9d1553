"""The machine that a figure was measured on."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

FEATURES = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16", "amx_int8", "asimd", "i8mm", "bf16")


def describe() -> dict[str, Any]:
    """Return processor, cores, threads, instruction sets and device as torch sees them."""
    import torch

    name, flags = _processor()
    return {
        "processor": name,
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "features": [feature for feature in FEATURES if feature in flags],
        "device": "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu",
    }


def pin(threads: int) -> None:
    """Compute with so many threads from now on; 0 keeps torch's choice, one for each real core."""
    import torch

    if threads:
        torch.set_num_threads(threads)


def _processor() -> tuple[str, set[str]]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # only Linux has it; torch says the rest
        return platform.processor() or "unknown", set()
    rows = [(key.strip(), value.strip()) for line in lines for key, _, value in [line.partition(":")]]
    name = next((value for key, value in rows if key == "model name"), platform.processor() or "unknown")
    return name, {word for key, value in rows if key in ("flags", "Features") for word in value.split()}
