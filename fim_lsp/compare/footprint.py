"""What one model weighs: run as a process of its own, so that nothing else is counted.

`python -m fim_lsp.compare.footprint FAMILY [FOLDER]` prints {"loaded_mb", "peak_mb", "load_s"} as JSON.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

from fim_lsp.errors import ModelError

PROMPT = "def mean(values):\n    total = 0.0\n    for value in values:\n        total += value\n    " * 12


def measure(family: str, folder: Path) -> dict[str, float]:
    """Return resident and peak megabytes of a process that loads a model and completes once; raises ModelError."""
    done = subprocess.run(
        [sys.executable, "-m", "fim_lsp.compare.footprint", family, str(folder)], capture_output=True, text=True
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise ModelError(f"measuring the memory of {folder} failed: {last[0]}")
    return dict(json.loads(done.stdout))


def weigh(family: str, folder: str) -> dict[str, float]:
    """Load and complete once in this process, and return its footprint."""
    from fim_lsp.backends import ModelRequest, create
    from fim_lsp.domain import Cancel, FimRequest, GenerationLimits, Meter

    began = time.perf_counter()
    backend = create(family, ModelRequest(folder))
    load_s = time.perf_counter() - began
    for drafts in backend.generate(
        FimRequest((PROMPT, "\n    return total\n"), GenerationLimits(max_tokens=16)), Cancel(), Meter()
    ):
        list(drafts)
    return {"loaded_mb": _resident_mb(), "peak_mb": _peak_mb(), "load_s": round(load_s, 2)}


def _resident_mb() -> float:
    import psutil

    return round(float(psutil.Process().memory_info().rss) / 1e6, 1)


def _peak_mb() -> float:
    import psutil

    if sys.platform == "win32":
        return round(float(psutil.Process().memory_info().peak_wset) / 1e6, 1)
    if sys.platform == "linux":  # getrusage's maximum would count the parent, in whose memory this process began
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        return round(int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024 / 1e6, 1)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6, 1)


if __name__ == "__main__":
    print(json.dumps(weigh(sys.argv[1], sys.argv[2])))
