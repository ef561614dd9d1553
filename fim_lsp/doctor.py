"""`fim-lsp doctor`: what runs here, what was found, and one timed completion."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from fim_lsp import __version__
from fim_lsp.config import Resolved, settings
from fim_lsp.domain import Cancel, Snapshot
from fim_lsp.errors import FimError
from fim_lsp.pipeline.completer import Completer

PACKAGES = (
    "torch",
    "transformers",
    "tokenizers",
    "safetensors",
    "pygls",
    "lsprotocol",
    "tree-sitter",
    "tree-sitter-python",
)
FEATURES = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16", "amx_int8", "asimd", "i8mm", "bf16")
SAMPLE = "def area(width, height):\n    return \n"


def examine(resolved: Resolved) -> dict[str, Any]:
    """Return the findings; `ok` is False when no completion could be made."""
    findings: dict[str, Any] = {
        "fim-lsp": __version__,
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in PACKAGES},
        "cpu": _cpu(),
        "settings": {
            setting.key: {"value": getattr(resolved.config, name), "source": resolved.sources[setting.key]}
            for name, setting in settings()
        },
        "problems": list(resolved.problems),
    }
    findings["model"], findings["completion"], findings["ok"] = _complete(resolved)
    return findings


def _complete(resolved: Resolved) -> tuple[Mapping[str, Any], Mapping[str, Any], bool]:
    from fim_lsp.backends import create
    from fim_lsp.backends.models import find_model

    model: dict[str, Any] = {}
    try:
        folder: Path = find_model("gpt", resolved.config.gpt_model)
        model["folder"] = str(folder)
        model["size_mb"] = round(sum(file.stat().st_size for file in folder.iterdir() if file.is_file()) / 1e6, 1)
        began = time.perf_counter()
        completer = Completer(resolved.config, create)
        completer.warm_up()
        model["load_s"] = round(time.perf_counter() - began, 2)
        began = time.perf_counter()
        outcome = completer.complete(Snapshot("doctor:", 0, "python", SAMPLE, len(SAMPLE) - 1, manual=True), Cancel())
        spent = round((time.perf_counter() - began) * 1e3, 1)
    except FimError as problem:
        return {**model, "problem": str(problem)}, {}, False
    shown = [suggestion.text for suggestion in outcome.suggestions]
    timed = {"text": shown, "reason": outcome.reason, "ms": spent, "timings": dict(outcome.timings)}
    return model, timed, True


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _cpu() -> dict[str, Any]:
    flags: set[str] = set()
    try:
        info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        flags = {word for line in info.splitlines() if line.startswith(("flags", "Features")) for word in line.split()}
    except OSError:
        pass  # only Linux has it; torch says the rest
    import torch

    return {
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "features": [feature for feature in FEATURES if feature in flags],
        "device": "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu",
    }
