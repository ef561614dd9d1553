"""A server as a process of its own: what it has computed, and the most memory it has held."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from pathlib import Path

import psutil


def cpu_s(process: subprocess.Popen[bytes]) -> float:
    """Return processor seconds, user's and system's, of a process and its children."""
    total = 0.0
    with contextlib.suppress(psutil.Error):
        own = psutil.Process(process.pid)
        for one in (own, *own.children(recursive=True)):
            times = one.cpu_times()
            total += float(times.user + times.system)
    return total


def peak_mb(process: subprocess.Popen[bytes]) -> float:
    """Return the greatest resident size so far, where only Linux and Windows remember it; else the present one."""
    with contextlib.suppress(psutil.Error, OSError):
        if sys.platform == "linux":
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
            if found := re.search(r"VmHWM:\s+(\d+) kB", status):
                return round(int(found[1]) * 1024 / 1e6, 1)
        memory = psutil.Process(process.pid).memory_info()
        return round(float(getattr(memory, "peak_wset", memory.rss)) / 1e6, 1)
    return 0.0


def end(process: subprocess.Popen[bytes], patience_s: float = 10.0) -> None:
    """Wait for a process to leave, and end it if it does not."""
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
